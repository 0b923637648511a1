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
#include "fiber.h"

#ifdef CUDASIM_ASAN
#include <sanitizer/asan_interface.h>
#endif

uint3 threadIdx;
uint3 blockIdx;
dim3 blockDim;
dim3 gridDim;

// Static shared memory of all kernels; shared.ld puts it there.
extern "C" __attribute__((visibility("hidden"))) unsigned char cudasim_shared_start[];
extern "C" __attribute__((visibility("hidden"))) unsigned char cudasim_shared_end[];

namespace cudasim {

namespace {

constexpr int MAX_THREADS = 1024;
constexpr int LANES = 32;
constexpr unsigned FULL_MASK = 0xffffffffu;
constexpr size_t MAX_SHARED = 128 * 1024;  // whole pages; launches have less

enum class State : unsigned char { UNSTARTED, WAITS_FOR_WARP, WAITS_FOR_BLOCK, ENDED };

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
void run_threads() {
  for (;;) {
    launch->kernel->run(launch->packed());
    bool more = advance(State::ENDED, {"the end", 0});
    if (!more || states[thread] != State::UNSTARTED) {
      leave_to(more ? owners[thread] : host_fiber());
    }
  }
}

void wait(State state, Site site) {
  owners[thread] = running_fiber();
  has_waited = true;
  if (!advance(state, site)) {
    switch_to(host_fiber());
  }
  Fiber* next = states[thread] == State::UNSTARTED ? take_fiber(run_threads) : owners[thread];
  if (next == nullptr) {
    failed = true;
    fprintf(stderr, "cudasim: no memory for the stacks of a block of %d threads\n", thread_count);
    next = host_fiber();
  }
  if (next != running_fiber()) {
    switch_to(next);
  }
}

// What no kernel should rely on: NaN. Over the sanitizer's redzones too, where memset would be reported.
#ifdef CUDASIM_ASAN
__attribute__((no_sanitize("address"))) void fill(unsigned char* from, unsigned char* to) {
  for (volatile uint64_t* word = reinterpret_cast<uint64_t*>(from); reinterpret_cast<uintptr_t>(word) + 8 <=
       reinterpret_cast<uintptr_t>(to); word++) {
    *word = ~uint64_t(0);
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
  Fiber* fiber = take_fiber(run_threads);
  if (fiber == nullptr) {
    return false;
  }
  switch_to(fiber);
  return !failed;
}

void check_mask(unsigned mask) {
  if (mask != FULL_MASK || lanes != LANES) {
    failed = true;
    fprintf(stderr, "cudasim: %s: a shuffle or barrier of a warp of %d has the mask %x; all 32 must take part\n",
            launch->kernel->name, lanes, mask);
    switch_to(host_fiber());
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
