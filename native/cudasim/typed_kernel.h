// From a kernel's function to its description: offsets of its arguments, each at a multiple of 8 bytes,
// which of them are pointers, and a function that runs one thread from packed arguments.
#pragma once

#include <array>
#include <type_traits>
#include <utility>

#include "device.h"

namespace cudasim {

template <typename Argument>
constexpr unsigned pointee_alignment() {
  if constexpr (std::is_pointer_v<Argument>) {
    return alignof(std::remove_pointer_t<Argument>);
  } else {
    return 0;
  }
}

template <auto function>
struct TypedKernel;

template <typename... Arguments, void (*function)(Arguments...)>
struct TypedKernel<function> {
  static constexpr int COUNT = sizeof...(Arguments);
  static_assert(COUNT > 0, "a kernel without arguments has nothing to work on");

  static constexpr std::array<Parameter, COUNT + 1> describe() {
    std::array<Parameter, COUNT + 1> all{};
    const unsigned bytes[] = {unsigned(sizeof(Arguments))...};
    const unsigned alignments[] = {pointee_alignment<Arguments>()...};
    unsigned offset = 0;
    for (int i = 0; i < COUNT; i++) {
      all[i] = {offset, bytes[i], alignments[i]};
      offset += (bytes[i] + 7) / 8 * 8;
    }
    all[COUNT] = {offset, 0, 0};
    return all;
  }

  // The last entry is the end.
  static constexpr std::array<Parameter, COUNT + 1> PARAMETERS = describe();

  static void run(const unsigned char* packed) { run_indexed(packed, std::make_index_sequence<COUNT>()); }

  template <size_t... I>
  static void run_indexed(const unsigned char* packed, std::index_sequence<I...>) {
    function(*reinterpret_cast<const Arguments*>(packed + PARAMETERS[I].offset)...);
  }
};

template <auto function>
constexpr Kernel typed_kernel(const char* source, const char* name) {
  typedef TypedKernel<function> Typed;
  return {source, name, Typed::run, Typed::PARAMETERS.data(), Typed::COUNT, Typed::PARAMETERS[Typed::COUNT].offset};
}

}  // namespace cudasim
