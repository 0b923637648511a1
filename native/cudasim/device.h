// What the files of the software device share. All of it is guarded by one lock, which every exported
// function takes by making a Call.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "driver_types.h"

#define CUDASIM_EXPORT extern "C" __attribute__((visibility("default")))

namespace cudasim {

// A multiple of the pages of any system.
#ifdef __aarch64__
constexpr size_t PAGE = 65536;
#else
constexpr size_t PAGE = 4096;
#endif

// ---- calls, faults and counters (faults.cpp)

// An exported function: how often it was called, and whether a test wants it to fail.
struct Function {
  long calls = 0;
  long calls_until_failure = 0;  // 0: never
  int failure = 0;
};

Function& function_named(const char* name);

enum class Needs {
  NOTHING,
  DRIVER,   // cuInit
  CONTEXT,  // a current context without an earlier error
  RELEASE,  // a current context; what is released is released after an error too
};

// One call of an exported function, first thing in it: takes the lock and says whether it may go on.
class Call {
 public:
  Call(Function& function, Needs needs);
  CUresult code;

 private:
  std::lock_guard<std::mutex> lock;
};

#define CUDASIM_CALL(name, needs)                                  \
  static cudasim::Function& function = cudasim::function_named(#name); \
  cudasim::Call call(function, cudasim::Needs::needs);             \
  if (call.code != CUDA_SUCCESS) return call.code

struct Settings {
  int devices = 1;
  int driver_version = 13000;
  size_t memory = size_t(1) << 30;
  bool eager = false;
  bool refuse_register = false;
  long allocations_until_failure = 0;
  long launches_until_failure = 0;
  int launch_failure = 0;
  long kernels_until_failure = 0;
};

struct Counters {
  long kernels = 0;
  long synchronisations = 0;
  long pinned_bytes = 0;
  long pageable_bytes = 0;
  long abandoned = 0;  // objects that their owner had not destroyed when the context ended
};

extern Settings settings;
extern Counters counters;

// Counts down a fault; true when it is due.
bool is_due(long& until);

// The error that ended the context, or success.
extern CUresult context_error;

bool is_sticky(CUresult code);

// Ends the context with that code, and says why on the standard error stream.
__attribute__((format(printf, 2, 3))) CUresult fail_context(CUresult code, const char* format, ...);

// ---- the context (context.cpp)

bool is_initialized();
bool has_current_context();

// ---- handles

uintptr_t next_handle();

// Objects by handle. A handle is never given out twice, so that one used after its end is noticed.
template <typename T>
class Handles {
 public:
  void* add(std::shared_ptr<T> object) {
    const uintptr_t handle = next_handle();
    live[handle] = std::move(object);
    return reinterpret_cast<void*>(handle);
  }

  // Null if there is none.
  std::shared_ptr<T> find(void* handle) const {
    auto found = live.find(reinterpret_cast<uintptr_t>(handle));
    return found == live.end() ? nullptr : found->second;
  }

  bool remove(void* handle) { return live.erase(reinterpret_cast<uintptr_t>(handle)) == 1; }
  long count() const { return long(live.size()); }

  // What was left, which counts as abandoned.
  void abandon() {
    counters.abandoned += count();
    live.clear();
  }

  template <typename Use>
  void for_each(Use use) const {
    for (const auto& entry : live) {
      use(entry.first, *entry.second);
    }
  }

 private:
  std::unordered_map<uintptr_t, std::shared_ptr<T>> live;
};

// ---- kernels (kernels.cpp) and their execution (block.cpp)

struct Parameter {
  unsigned offset;  // in the packed arguments
  unsigned bytes;
  unsigned pointee_alignment;  // 0: no pointer
};

struct Kernel {
  const char* source;  // its file in native/cuda, which the compiled form names too
  const char* name;
  void (*run)(const unsigned char* arguments);  // one thread
  const Parameter* parameters;
  int parameter_count;
  unsigned argument_bytes;
};

// Null if there is none.
const Kernel* find_kernel(const char* name);

// A kernel with all that its execution needs.
struct Launch {
  const Kernel* kernel;
  unsigned grid[3];
  unsigned block[3];
  unsigned shared_bytes;
  std::vector<uint64_t> arguments;

  const unsigned char* packed() const { return reinterpret_cast<const unsigned char*>(arguments.data()); }
};

// Executes all blocks; not success if threads of a block did not meet at a barrier.
CUresult run_grid(const Launch& launch);

// ---- device memory (memory.cpp)

// Whether it is an address of the range that device memory comes from.
bool is_device_address(uintptr_t address);

enum class When { QUEUED, EXECUTED };

// Whether bytes from address lie inside one allocation, which is not freed; when work is executed, it
// must have been allocated by work before it.
bool is_allocated(uintptr_t address, size_t bytes, When when);

// Whether nothing was written after the end of the allocation that has the address.
bool is_canary_intact(uintptr_t address);

// Gives back what pools keep beyond their threshold, as the driver does when the host waits.
void trim_pools();
void abandon_memory();
long allocation_count();
long allocated_bytes();

// ---- host memory (host_memory.cpp)

enum class HostMemory {
  PAGEABLE,
  PINNED,
  READ_ONLY,  // pinned, and the device must not write it
  INVALID,    // null, of the device, or pinned in parts
};

HostMemory host_memory(const void* address, size_t bytes);
long registered_count();
void abandon_host_memory();

// ---- streams (stream.cpp)

typedef std::function<CUresult()> Work;

struct Stream;

// Null if there is none. The null stream is none: nothing should use it by accident.
std::shared_ptr<Stream> stream_of(CUstream handle);

// Puts work at the end. Work that allocates or frees is done even when the context's other work is
// dropped after an error.
CUresult enqueue(Stream& stream, Work work, bool allocates = false);

// Executes what was put there until now, and what that waits for.
CUresult run_stream(Stream& stream);
CUresult run_all_streams();

// Forgets queued work.
void drop_work();
void abandon_streams();
long stream_count();
long event_count();

// ---- modules, launches and graphs (module.cpp, graph.cpp)

struct Shape {
  unsigned grid[3];
  unsigned block[3];
  unsigned shared_bytes;
};

// Checks a launch and packs its arguments; null and the code if it is refused.
std::shared_ptr<const Launch> make_launch(CUfunction function, const Shape& shape, void** arguments, void** extra,
                                          CUresult& code);

// Checks the pointers of a launch at the call that queues it.
CUresult check_queued(const Launch& launch);

// Executes a launch, checking its pointers before and canaries after. fails: a test wants it to.
CUresult execute(const Launch& launch, bool fails);

// Counts down the faults of launches: not success if this launch is to be refused.
CUresult launch_fault();
void abandon_modules();
long module_count();
void abandon_graphs();
long graph_count();

// ---- cuBLAS (blas.cpp)

void abandon_blas();

}  // namespace cudasim
