// Executes a kernel: block after block, and in a block thread after thread.
//
//   warp 0   | lane 0 ... lane 31 |   round: each lane runs until it waits or ends
//            | lane 0 ... lane 31 |   another round as long as all lanes wait for the warp
//   warp 1   ...                      once all lanes wait for the block, or have ended
//   ...
//   warp 0   ...                      again, once all warps wait for the block
//
// All lanes of a round must stop alike: wait for the same thing at the same place of the source, or
// end. Otherwise threads did not meet, which a GPU may hang on or hide, and the launch fails. Every
// second launch goes through blocks, warps and lanes backwards: a thread that reads what another one
// has not written yet because a barrier is missing then gets it wrong in one of the two orders.
//
// A thread needs a stack of its own only while it waits. Threads that end leave theirs to the next
// thread, so that a block without barriers costs one change of stacks.
#include <sys/mman.h>

#include <cstdio>

#include "cuda_on_host.h"
#include "device.h"

#ifdef CUDASIM_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

uint3 threadIdx;
uint3 blockIdx;
dim3 blockDim;
dim3 gridDim;

extern "C" void cudasim_switch(void** save, void* resume);

// Static shared memory of all kernels; shared.ld puts it there.
extern "C" __attribute__((visibility("hidden"))) unsigned char cudasim_shared_start[];
extern "C" __attribute__((visibility("hidden"))) unsigned char cudasim_shared_end[];

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

namespace {

constexpr int MAX_THREADS = 1024;
constexpr int LANES = 32;
constexpr unsigned FULL_MASK = 0xffffffffu;
constexpr size_t PAGE = 4096;
constexpr size_t MAX_SHARED = 100 * 1024;

// Frames are larger with the sanitizers' redzones.
#ifdef CUDASIM_ASAN
constexpr size_t STACK = 256 * 1024;
#else
constexpr size_t STACK = 64 * 1024;
#endif

struct Fiber {
  void* stack_pointer = nullptr;
  const void* bottom = nullptr;
  size_t bytes = 0;
  void* fake_stack = nullptr;  // of AddressSanitizer
};

enum class State : unsigned char { UNSTARTED, WAITS_FOR_WARP, WAITS_FOR_BLOCK, ENDED };

Fiber host;  // the stack of the caller
std::vector<std::unique_ptr<Fiber>> fibers;
std::vector<Fiber*> unused_fibers;
Fiber* running = &host;
Fiber* previous = &host;

// Of each thread of the block.
uint3 indices[MAX_THREADS];
State states[MAX_THREADS];
Fiber* owners[MAX_THREADS];  // the stacks of those that wait
uint64_t exchanged[2][MAX_THREADS];

const Launch* launch;
int thread_count;
bool backwards;
bool failed;

// Where the block is: the thread that runs, its warp, and the round of that warp.
int thread;
int warp;       // in the order of execution
int warps;
int first;      // thread of the warp
int lanes;      // of the warp
int turn;       // of the round, in the order of execution
unsigned round_number;
State warp_state;  // in which the lanes of this round stopped
Site warp_site;
State block_state;  // in which the warps before this one stopped
Site block_site;

bool has_waited = true;  // any thread, since static shared memory was filled
unsigned char* shared_memory;  // of this launch; ends at a page that cannot be accessed
unsigned char* shared_end;

void enter_fiber();

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
  *stack = reinterpret_cast<void*>(enter_fiber);
  stack -= 6;
  memset(stack, 0, 6 * sizeof(void*));
#else
  void** stack = reinterpret_cast<void**>(top - 160);
  memset(stack, 0, 160);
  stack[11] = reinterpret_cast<void*>(enter_fiber);
#endif
  fiber.stack_pointer = stack;
}

Fiber* take_fiber() {
  if (!unused_fibers.empty()) {
    Fiber* fiber = unused_fibers.back();
    unused_fibers.pop_back();
    return fiber;
  }
  void* memory = mmap(nullptr, STACK + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
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

void switch_to(Fiber* next) {
  previous = running;
  running = next;
#ifdef CUDASIM_ASAN
  __sanitizer_start_switch_fiber(&previous->fake_stack, next->bottom, next->bytes);
#endif
  cudasim_switch(&previous->stack_pointer, next->stack_pointer);
  arrived();
}

const char* words(State state) {
  switch (state) {
    case State::WAITS_FOR_WARP:
      return "waits for its warp";
    case State::WAITS_FOR_BLOCK:
      return "waits for its block";
    case State::ENDED:
      return "has ended";
    default:
      return "has not started";
  }
}

void report(State state, Site site, const char* who, State other_state, Site other_site) {
  failed = true;
  fprintf(stderr, "cudasim: %s, block (%u,%u,%u): thread (%u,%u,%u) %s at %s:%d, but %s %s at %s:%d\n",
          launch->kernel->name, blockIdx.x, blockIdx.y, blockIdx.z, threadIdx.x, threadIdx.y, threadIdx.z, words(state),
          site.file, site.line, who, words(other_state), other_site.file, other_site.line);
}

bool same(Site a, Site b) {
  // The names of files come from __builtin_FILE, one string for each file.
  return a.line == b.line && a.file == b.file;
}

void start_warp() {
  const int number = backwards ? warps - 1 - warp : warp;
  first = number * LANES;
  lanes = thread_count - first < LANES ? thread_count - first : LANES;
  turn = 0;
}

void choose() {
  thread = first + (backwards ? lanes - 1 - turn : turn);
  threadIdx = indices[thread];
}

// Takes note of how the running thread stopped, and chooses the next one. False at the end of the
// block, or if the threads did not meet.
bool advance(State state, Site site) {
  states[thread] = state;
  if (turn == 0) {
    warp_state = state;
    warp_site = site;
  } else if (state != warp_state || !same(site, warp_site)) {
    report(state, site, "another thread of its warp", warp_state, warp_site);
    return false;
  }
  if (++turn < lanes) {
    choose();
    return true;
  }
  round_number++;
  if (state == State::WAITS_FOR_WARP) {
    turn = 0;
    choose();
    return true;
  }
  if (warp == 0) {
    block_state = state;
    block_site = site;
  } else if (state != block_state || !same(site, block_site)) {
    report(state, site, "a thread of another warp", block_state, block_site);
    return false;
  }
  if (++warp == warps) {
    if (state == State::ENDED) {
      return false;
    }
    warp = 0;
  }
  start_warp();
  choose();
  return true;
}

// Runs threads one after the other until one waits, which then owns this stack.
void enter_fiber() {
  arrived();
  for (;;) {
    launch->kernel->run(launch->packed());
    bool more = advance(State::ENDED, {"the end", 0});
    if (!more || states[thread] != State::UNSTARTED) {
      Fiber* next = more ? owners[thread] : &host;
      unused_fibers.push_back(running);
      switch_to(next);
    }
  }
}

void wait(State state, Site site) {
  owners[thread] = running;
  has_waited = true;
  if (!advance(state, site)) {
    switch_to(&host);
  }
  Fiber* next = states[thread] == State::UNSTARTED ? take_fiber() : owners[thread];
  if (next == nullptr) {
    failed = true;
    fprintf(stderr, "cudasim: no memory for the stacks of a block of %d threads\n", thread_count);
    next = &host;
  }
  if (next != running) {
    switch_to(next);
  }
}

// What no kernel should rely on: NaN. Written as bytes one after the other, over the redzones too.
#ifdef CUDASIM_ASAN
__attribute__((no_sanitize("address"))) void fill(unsigned char* from, unsigned char* to) {
  for (volatile unsigned char* byte = from; byte < to; byte++) {
    *byte = 0xff;
  }
}
#else
void fill(unsigned char* from, unsigned char* to) {
  memset(from, 0xff, size_t(to - from));
}
#endif

bool prepare_shared(unsigned bytes) {
  if (shared_end == nullptr) {
    void* memory = mmap(nullptr, MAX_SHARED + 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
      return false;
    }
    unsigned char* start = static_cast<unsigned char*>(memory);
    mprotect(start, PAGE, PROT_NONE);
    shared_end = start + PAGE + MAX_SHARED;
    mprotect(shared_end, PAGE, PROT_NONE);
    shared_memory = start + PAGE;
  }
#ifdef CUDASIM_ASAN
  unsigned char* all = shared_end - MAX_SHARED;
  ASAN_UNPOISON_MEMORY_REGION(all, MAX_SHARED);
#endif
  shared_memory = shared_end - (bytes + 15) / 16 * 16;
  fill(shared_memory, shared_end);
  // A kernel that shares memory waits, so that after one that did not this is still as it was filled.
  if (has_waited) {
    fill(cudasim_shared_start, cudasim_shared_end);
    has_waited = false;
  }
#ifdef CUDASIM_ASAN
  ASAN_POISON_MEMORY_REGION(all, size_t(shared_memory - all));
  ASAN_POISON_MEMORY_REGION(shared_memory + bytes, size_t(shared_end - shared_memory) - bytes);
#endif
  return true;
}

void number_threads(const unsigned* block) {
  static unsigned numbered[3];
  if (memcmp(numbered, block, sizeof(numbered)) == 0) {
    return;
  }
  memcpy(numbered, block, sizeof(numbered));
  int i = 0;
  for (unsigned z = 0; z < block[2]; z++) {
    for (unsigned y = 0; y < block[1]; y++) {
      for (unsigned x = 0; x < block[0]; x++) {
        indices[i++] = {x, y, z};
      }
    }
  }
}

bool run_block() {
  memset(states, int(State::UNSTARTED), size_t(thread_count));
  warp = 0;
  start_warp();
  choose();
  Fiber* fiber = take_fiber();
  if (fiber == nullptr) {
    return false;
  }
  switch_to(fiber);
  return !failed;
}

// After a failure some threads are in the middle of a kernel; they are dropped.
void reset_fibers() {
  unused_fibers.clear();
  for (auto& fiber : fibers) {
    reset_fiber(*fiber);
    unused_fibers.push_back(fiber.get());
  }
}

void check_mask(unsigned mask) {
  if (mask != FULL_MASK || lanes != LANES) {
    failed = true;
    fprintf(stderr, "cudasim: %s: a shuffle or barrier of a warp of %d threads has the mask %x; all 32 must take part\n",
            launch->kernel->name, lanes, mask);
    switch_to(&host);
  }
}

}  // namespace

void* dynamic_shared() {
  return shared_memory;
}

int lane() {
  return thread - first;
}

void wait_for_block(Site site) {
  wait(State::WAITS_FOR_BLOCK, site);
}

void wait_for_warp(Site site, unsigned mask) {
  check_mask(mask);
  wait(State::WAITS_FOR_WARP, site);
}

// Two buffers by turns: a lane that is ahead writes for the next exchange while others still read.
uint64_t exchange(Site site, unsigned mask, uint64_t bits, int source_lane) {
  check_mask(mask);
  const int source = first + source_lane;
  uint64_t* values = exchanged[round_number % 2];
  values[thread] = bits;
  wait(State::WAITS_FOR_WARP, site);
  return values[source];
}

CUresult run_grid(const Launch& l) {
  launch = &l;
  failed = false;
  thread_count = int(l.block[0] * l.block[1] * l.block[2]);
  warps = (thread_count + LANES - 1) / LANES;
  blockDim = dim3(l.block[0], l.block[1], l.block[2]);
  gridDim = dim3(l.grid[0], l.grid[1], l.grid[2]);
  static unsigned launches = 0;
  backwards = launches++ % 2 == 1;
  number_threads(l.block);
  const uint64_t plane = uint64_t(l.grid[0]) * l.grid[1];
  const uint64_t blocks = plane * l.grid[2];
  for (uint64_t i = 0; i < blocks; i++) {
    const uint64_t block = backwards ? blocks - 1 - i : i;
    blockIdx = {unsigned(block % l.grid[0]), unsigned(block % plane / l.grid[0]), unsigned(block / plane)};
    if (!prepare_shared(l.shared_bytes) || !run_block()) {
      reset_fibers();
      return CUDA_ERROR_LAUNCH_FAILED;
    }
  }
  return CUDA_SUCCESS;
}

}  // namespace cudasim
