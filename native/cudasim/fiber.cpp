// A change of stacks in a few instructions: the system's own functions make a system call each time.
// AddressSanitizer is told of each change.
#include "fiber.h"

#include <sys/mman.h>

#include <cstring>

#include "device.h"

#ifdef CUDASIM_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

extern "C" void cudasim_switch(void** save, void* resume);

#if defined(__x86_64__)
// The registers that a call preserves go to the stack that is left. Kernels do not change the modes of
// the floating-point unit.
asm(R"(
.text
.globl cudasim_switch
.hidden cudasim_switch
.type cudasim_switch,@function
cudasim_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size cudasim_switch,.-cudasim_switch
)");
#elif defined(__aarch64__)
asm(R"(
.text
.globl cudasim_switch
.hidden cudasim_switch
.type cudasim_switch,%function
cudasim_switch:
  sub sp, sp, #160
  stp x19, x20, [sp, #0]
  stp x21, x22, [sp, #16]
  stp x23, x24, [sp, #32]
  stp x25, x26, [sp, #48]
  stp x27, x28, [sp, #64]
  stp x29, x30, [sp, #80]
  stp d8, d9, [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  mov x9, sp
  str x9, [x0]
  mov sp, x1
  ldp x19, x20, [sp, #0]
  ldp x21, x22, [sp, #16]
  ldp x23, x24, [sp, #32]
  ldp x25, x26, [sp, #48]
  ldp x27, x28, [sp, #64]
  ldp x29, x30, [sp, #80]
  ldp d8, d9, [sp, #96]
  ldp d10, d11, [sp, #112]
  ldp d12, d13, [sp, #128]
  ldp d14, d15, [sp, #144]
  add sp, sp, #160
  ret
.size cudasim_switch,.-cudasim_switch
)");
#else
#error "native/cudasim switches stacks on x86-64 and aarch64 only"
#endif

namespace cudasim {

struct Fiber {
  void* stack_pointer = nullptr;
  const void* bottom = nullptr;
  size_t bytes = 0;
  void* fake_stack = nullptr;  // of AddressSanitizer
};

namespace {

// Frames are larger with the sanitizers' redzones.
#ifdef CUDASIM_ASAN
constexpr size_t STACK = 256 * 1024;
#else
constexpr size_t STACK = 64 * 1024;
#endif

Fiber host;
std::vector<std::unique_ptr<Fiber>> fibers;
std::vector<Fiber*> unused;
Fiber* running = &host;
Fiber* previous = &host;
void (*fiber_body)();

// To be called where a stack is continued.
void arrived() {
#ifdef CUDASIM_ASAN
  const void* bottom;
  size_t bytes;
  __sanitizer_finish_switch_fiber(running->fake_stack, &bottom, &bytes);
  if (previous == &host) {
    host.bottom = bottom;
    host.bytes = bytes;
  }
#endif
}

void enter() {
  arrived();
  fiber_body();
}

void reset_fiber(Fiber& fiber) {
#ifdef CUDASIM_ASAN
  // Frames that were left in the middle have their redzones still.
  ASAN_UNPOISON_MEMORY_REGION(fiber.bottom, fiber.bytes);
#endif
  fiber.fake_stack = nullptr;
  uintptr_t top = reinterpret_cast<uintptr_t>(fiber.bottom) + fiber.bytes;
#if defined(__x86_64__)
  // A function starts with its return address at a multiple of 16 less 8.
  void** stack = reinterpret_cast<void**>(top - 16);
  *stack = reinterpret_cast<void*>(enter);
  stack -= 6;
  memset(stack, 0, 6 * sizeof(void*));
#else
  void** stack = reinterpret_cast<void**>(top - 160);
  memset(stack, 0, 160);
  stack[11] = reinterpret_cast<void*>(enter);
#endif
  fiber.stack_pointer = stack;
}

}  // namespace

Fiber* host_fiber() {
  return &host;
}

Fiber* running_fiber() {
  return running;
}

Fiber* take_fiber(void (*body)()) {
  fiber_body = body;
  if (!unused.empty()) {
    Fiber* fiber = unused.back();
    unused.pop_back();
    return fiber;
  }
  void* memory =
      mmap(nullptr, STACK + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    return nullptr;
  }
  mprotect(memory, PAGE, PROT_NONE);
  fibers.push_back(std::make_unique<Fiber>());
  Fiber* fiber = fibers.back().get();
  fiber->bottom = static_cast<char*>(memory) + PAGE;
  fiber->bytes = STACK;
  reset_fiber(*fiber);
  return fiber;
}

void switch_to(Fiber* next) {
  previous = running;
  running = next;
#ifdef CUDASIM_ASAN
  __sanitizer_start_switch_fiber(&previous->fake_stack, next->bottom, next->bytes);
#endif
  cudasim_switch(&previous->stack_pointer, next->stack_pointer);
  arrived();
}

void leave_to(Fiber* next) {
  unused.push_back(running);
  switch_to(next);
}

void reset_fibers() {
  unused.clear();
  for (auto& fiber : fibers) {
    reset_fiber(*fiber);
    unused.push_back(fiber.get());
  }
}

}  // namespace cudasim
