// Calls, the error state of the context, and what tests ask for beyond the driver's functions:
// faults and counters. README.md lists the names.
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>

#include "device.h"

namespace cudasim {

Settings settings;
Counters counters;
CUresult context_error = CUDA_SUCCESS;

namespace {

std::mutex device_lock;

std::map<std::string, Function>& functions() {
  static std::map<std::string, Function> all;
  return all;
}

// Guards the map of functions only, so that a function can be looked up before the device is locked.
std::mutex functions_lock;

// NAME=K or NAME=K:CODE.
bool read_pair(const char* text, long& k, int& code) {
  char* end = nullptr;
  k = strtol(text, &end, 10);
  if (end == text) {
    return false;
  }
  if (*end == ':') {
    code = int(strtol(end + 1, nullptr, 10));
  }
  return true;
}

long environment(const char* name, long otherwise) {
  const char* text = getenv(name);
  return text != nullptr && *text != 0 ? strtol(text, nullptr, 10) : otherwise;
}

void read_environment() {
  settings.devices = int(environment("CUDASIM_DEVICES", settings.devices));
  settings.driver_version = int(environment("CUDASIM_DRIVER_VERSION", settings.driver_version));
  settings.memory = size_t(environment("CUDASIM_MEMORY", long(settings.memory)));
  settings.eager = environment("CUDASIM_SCHEDULE", settings.eager) == 1;
  settings.refuse_register = environment("CUDASIM_REFUSE_REGISTER", settings.refuse_register) != 0;
  settings.allocations_until_failure = environment("CUDASIM_FAIL_ALLOCATION", settings.allocations_until_failure);
  settings.kernels_until_failure = environment("CUDASIM_FAIL_EXECUTION", settings.kernels_until_failure);
  if (const char* launch = getenv("CUDASIM_FAIL_LAUNCH")) {
    settings.launch_failure = CUDA_ERROR_ILLEGAL_ADDRESS;
    read_pair(launch, settings.launches_until_failure, settings.launch_failure);
  }
  // CUDASIM_FAIL_CALL=cuMemHostAlloc:2:2
  if (const char* named = getenv("CUDASIM_FAIL_CALL")) {
    const char* colon = strchr(named, ':');
    if (colon != nullptr) {
      Function& function = function_named(std::string(named, colon).c_str());
      function.failure = CUDA_ERROR_UNKNOWN;
      read_pair(colon + 1, function.calls_until_failure, function.failure);
    }
  }
}

void read_environment_once() {
  static std::once_flag once;
  std::call_once(once, read_environment);
}

}  // namespace

Function& function_named(const char* name) {
  std::lock_guard<std::mutex> lock(functions_lock);
  return functions()[name];
}

bool is_due(long& until) {
  return until > 0 && --until == 0;
}

bool is_sticky(CUresult code) {
  switch (code) {
    case CUDA_ERROR_DEINITIALIZED:
    case CUDA_ERROR_ECC_UNCORRECTABLE:
    case CUDA_ERROR_NVLINK_UNCORRECTABLE:
    case CUDA_ERROR_CONTAINED:
    case CUDA_ERROR_ILLEGAL_ADDRESS:
    case CUDA_ERROR_LAUNCH_TIMEOUT:
    case CUDA_ERROR_CONTEXT_IS_DESTROYED:
    case CUDA_ERROR_ASSERT:
    case CUDA_ERROR_HARDWARE_STACK_ERROR:
    case CUDA_ERROR_ILLEGAL_INSTRUCTION:
    case CUDA_ERROR_MISALIGNED_ADDRESS:
    case CUDA_ERROR_INVALID_ADDRESS_SPACE:
    case CUDA_ERROR_INVALID_PC:
    case CUDA_ERROR_LAUNCH_FAILED:
    case CUDA_ERROR_TENSOR_MEMORY_LEAK:
    case CUDA_ERROR_UNKNOWN:
      return true;
    default:
      return false;
  }
}

CUresult fail_context(CUresult code, const char* format, ...) {
  fputs("cudasim: ", stderr);
  va_list arguments;
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fprintf(stderr, " (error %d)\n", code);
  if (context_error == CUDA_SUCCESS) {
    context_error = code;
  }
  return code;
}

Call::Call(Function& function, Needs needs) : code(CUDA_SUCCESS), lock((read_environment_once(), device_lock)) {
  function.calls++;
  if (is_due(function.calls_until_failure)) {
    code = function.failure;
    if (is_sticky(code) && context_error == CUDA_SUCCESS) {
      context_error = code;
    }
  } else if (needs != Needs::NOTHING && !is_initialized()) {
    code = CUDA_ERROR_NOT_INITIALIZED;
  } else if ((needs == Needs::CONTEXT || needs == Needs::RELEASE) && !has_current_context()) {
    code = CUDA_ERROR_INVALID_CONTEXT;
  } else if (needs == Needs::CONTEXT) {
    code = context_error;
  }
}

namespace {

long count_of(const std::string& name) {
  if (name == "kernels") return counters.kernels;
  if (name == "synchronisations") return counters.synchronisations;
  if (name == "pinned_bytes") return counters.pinned_bytes;
  if (name == "pageable_bytes") return counters.pageable_bytes;
  if (name == "abandoned") return counters.abandoned;
  if (name == "live_allocations") return allocation_count();
  if (name == "live_bytes") return allocated_bytes();
  if (name == "live_events") return event_count();
  if (name == "live_streams") return stream_count();
  if (name == "live_graphs") return graph_count();
  if (name == "live_modules") return module_count();
  if (name == "live_registered") return registered_count();
  return function_named(name.c_str()).calls;
}

}  // namespace

}  // namespace cudasim

using namespace cudasim;

CUDASIM_EXPORT int cudasim_is_software_device() {
  return 1;
}

// Clears the error, drops the work it left behind, and turns faults off; memory stays.
CUDASIM_EXPORT void cudasim_reset() {
  std::lock_guard<std::mutex> lock(device_lock);
  context_error = CUDA_SUCCESS;
  drop_work();
  settings.refuse_register = false;
  settings.allocations_until_failure = 0;
  settings.launches_until_failure = 0;
  settings.kernels_until_failure = 0;
  std::lock_guard<std::mutex> functions_guard(functions_lock);
  for (auto& entry : functions()) {
    entry.second.calls_until_failure = 0;
  }
}

CUDASIM_EXPORT void cudasim_fail_allocation(long k) {
  std::lock_guard<std::mutex> lock(device_lock);
  settings.allocations_until_failure = k;
}

CUDASIM_EXPORT void cudasim_fail_launch(long k, int code) {
  std::lock_guard<std::mutex> lock(device_lock);
  settings.launches_until_failure = k;
  settings.launch_failure = code;
}

CUDASIM_EXPORT void cudasim_fail_execution(long k) {
  std::lock_guard<std::mutex> lock(device_lock);
  settings.kernels_until_failure = k;
}

CUDASIM_EXPORT void cudasim_fail_call(const char* name, long k, int code) {
  Function& function = function_named(name);
  std::lock_guard<std::mutex> lock(device_lock);
  function.calls_until_failure = k;
  function.failure = code;
}

CUDASIM_EXPORT void cudasim_set_memory(long bytes) {
  std::lock_guard<std::mutex> lock(device_lock);
  settings.memory = size_t(bytes);
}

CUDASIM_EXPORT void cudasim_set_driver_version(int version) {
  std::lock_guard<std::mutex> lock(device_lock);
  settings.driver_version = version;
}

CUDASIM_EXPORT void cudasim_refuse_register(int refuse) {
  std::lock_guard<std::mutex> lock(device_lock);
  settings.refuse_register = refuse != 0;
}

CUDASIM_EXPORT void cudasim_schedule(int eager) {
  std::lock_guard<std::mutex> lock(device_lock);
  settings.eager = eager != 0;
}

CUDASIM_EXPORT long cudasim_count(const char* name) {
  std::lock_guard<std::mutex> lock(device_lock);
  return count_of(name);
}

// What lives is still counted.
CUDASIM_EXPORT void cudasim_reset_counts() {
  std::lock_guard<std::mutex> lock(device_lock);
  counters = Counters();
  std::lock_guard<std::mutex> functions_guard(functions_lock);
  for (auto& entry : functions()) {
    entry.second.calls = 0;
  }
}
