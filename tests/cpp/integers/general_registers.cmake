# Fails where an instruction of OBJECTS names a register of vectors or of floating point.
execute_process(COMMAND ${OBJDUMP} --disassemble --no-show-raw-insn ${OBJECTS}
                OUTPUT_VARIABLE code RESULT_VARIABLE failed)
if(failed OR NOT code MATCHES "%r[abcd]x")
  message(FATAL_ERROR "objdump: expected the code of ${OBJECTS}, found none")
endif()
if(code MATCHES "[^\n]*%([xyz]mm[0-9]|mm[0-9]|st)[^\n]*")
  message(FATAL_ERROR "expected general registers alone, found ${CMAKE_MATCH_0}")
endif()
