// Declarations of the C++ interface that the programs use.
#pragma once
#include "tensorflow/lite/signature_runner.h"
namespace tflite {
class Interpreter {
 public:
  SignatureRunner* GetSignatureRunner(const char* key);
};
}  // namespace tflite
