// Declarations of LiteRT for Microcontrollers that the programs use.
#pragma once
#include "tensorflow/lite/c/c_api.h"
namespace tflite {
class MicroOpResolver {};
template <unsigned int count>
class MicroMutableOpResolver : public MicroOpResolver {};
}  // namespace tflite
