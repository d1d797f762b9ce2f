// Typed errors. Each message names the thing, what was expected and what was found.
#pragma once

#include <stdexcept>
#include <string>

namespace itrt {

class Error : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A model file is truncated, corrupt, foreign or of another version.
class ModelFileError : public Error {
  using Error::Error;
};

// An argument has a wrong type, shape or value.
class InvalidArgument : public Error {
  using Error::Error;
};

// A call was ended from outside before it was done.
class Cancelled : public Error {
  using Error::Error;
};

}  // namespace itrt
