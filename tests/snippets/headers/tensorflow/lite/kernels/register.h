// Declarations of the C++ interface that the programs use.
#pragma once
namespace tflite {
namespace ops {
namespace builtin {
class BuiltinOpResolver {};
}  // namespace builtin
}  // namespace ops
}  // namespace tflite
