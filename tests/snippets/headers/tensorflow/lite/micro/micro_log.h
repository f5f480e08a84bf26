// Declarations of LiteRT for Microcontrollers that the programs use.
#pragma once
void MicroPrintf(const char* format, ...);
