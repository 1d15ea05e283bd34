/* fuzz.h - what each target of tests/fuzz has: tests/fuzz/NAME.c is run on tests/fuzz/corpus/NAME by a unit test
 * (main.c), and by libFuzzer (make fuzz), which adds to the corpus what it finds new. */
#pragma once
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
