// Declarations of the C++ interface that the programs use.
#pragma once
#include <memory>
namespace tflite {
class FlatBufferModel {
 public:
  static std::unique_ptr<FlatBufferModel> BuildFromFile(const char* path);
};
}  // namespace tflite
