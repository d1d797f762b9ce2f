// An error must have the right type, and its message must name the thing, what was expected and what was found.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <string_view>

namespace itrt::test {

// Calls `function` and expects an `Error` whose message holds all `parts`.
template <class Error, class Function>
void expect_error(Function function, std::initializer_list<std::string_view> parts) {
  try {
    function();
  } catch (const Error& error) {
    const std::string message = error.what();
    for (const std::string_view part : parts) {
      EXPECT_NE(message.find(part), std::string::npos) << "no \"" << part << "\" in: " << message;
    }
    return;
  } catch (const std::exception& error) {
    FAIL() << "an error of another type: " << error.what();
  }
  FAIL() << "no error";
}

}  // namespace itrt::test
