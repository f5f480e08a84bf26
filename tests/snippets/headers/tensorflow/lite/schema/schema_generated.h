// Declarations of LiteRT for Microcontrollers that the programs use.
#pragma once
namespace tflite {
struct Model;
const Model* GetModel(const void* data);
}  // namespace tflite
