// The driver's start, the one device, its primary context, and the names of error codes.
#include <cstring>

#include "device.h"

namespace cudasim {

namespace {

bool initialized = false;
int retained = 0;

// The address stands for the primary context.
char primary;
thread_local CUcontext current = nullptr;

// 99 KiB of dynamic shared memory is what every device from compute capability 8.6 on grants.
constexpr int SHARED_OPT_IN = 99 * 1024;

struct Attribute {
  int number;
  int value;
};

constexpr Attribute ATTRIBUTES[] = {
    {CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK, 1024},
    {CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X, 1024},
    {CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y, 1024},
    {CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z, 64},
    {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X, 0x7fffffff},
    {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y, 65535},
    {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z, 65535},
    {CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK, 48 * 1024},
    {CU_DEVICE_ATTRIBUTE_WARP_SIZE, 32},
    {CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, 8},
    {CU_DEVICE_ATTRIBUTE_INTEGRATED, 0},
    {CU_DEVICE_ATTRIBUTE_CAN_MAP_HOST_MEMORY, 0},
    {CU_DEVICE_ATTRIBUTE_CONCURRENT_KERNELS, 1},
    {CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR, 2048},
    {CU_DEVICE_ATTRIBUTE_ASYNC_ENGINE_COUNT, 2},
    {CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING, 1},
    {CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, 9},
    {CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, 0},
    {CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, SHARED_OPT_IN},
    {CU_DEVICE_ATTRIBUTE_HOST_REGISTER_SUPPORTED, 1},
    {CU_DEVICE_ATTRIBUTE_READ_ONLY_HOST_REGISTER_SUPPORTED, 1},
    {CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED, 1},
};

struct ErrorName {
  CUresult code;
  const char* name;
  const char* words;
};

constexpr ErrorName ERRORS[] = {
    {CUDA_SUCCESS, "CUDA_SUCCESS", "no error"},
    {CUDA_ERROR_INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {CUDA_ERROR_OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {CUDA_ERROR_NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED", "the driver was not started"},
    {CUDA_ERROR_DEINITIALIZED, "CUDA_ERROR_DEINITIALIZED", "the driver is shutting down"},
    {CUDA_ERROR_NO_DEVICE, "CUDA_ERROR_NO_DEVICE", "no device that supports CUDA was found"},
    {CUDA_ERROR_INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE", "invalid device number"},
    {CUDA_ERROR_INVALID_IMAGE, "CUDA_ERROR_INVALID_IMAGE", "invalid image of a device's code"},
    {CUDA_ERROR_INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT", "no valid context on this thread"},
    {CUDA_ERROR_NO_BINARY_FOR_GPU, "CUDA_ERROR_NO_BINARY_FOR_GPU", "the image has no code for this device"},
    {CUDA_ERROR_ECC_UNCORRECTABLE, "CUDA_ERROR_ECC_UNCORRECTABLE", "a memory error could not be corrected"},
    {CUDA_ERROR_INVALID_PTX, "CUDA_ERROR_INVALID_PTX", "PTX could not be compiled"},
    {CUDA_ERROR_NVLINK_UNCORRECTABLE, "CUDA_ERROR_NVLINK_UNCORRECTABLE", "a link error could not be corrected"},
    {CUDA_ERROR_UNSUPPORTED_PTX_VERSION, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION", "PTX is newer than the driver"},
    {CUDA_ERROR_CONTAINED, "CUDA_ERROR_CONTAINED", "an error was contained to this process"},
    {CUDA_ERROR_OPERATING_SYSTEM, "CUDA_ERROR_OPERATING_SYSTEM", "a call of the operating system failed"},
    {CUDA_ERROR_INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE", "invalid handle"},
    {CUDA_ERROR_NOT_FOUND, "CUDA_ERROR_NOT_FOUND", "the named symbol was not found"},
    {CUDA_ERROR_NOT_READY, "CUDA_ERROR_NOT_READY", "the device is not ready"},
    {CUDA_ERROR_ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"},
    {CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", "too many resources for a launch"},
    {CUDA_ERROR_LAUNCH_TIMEOUT, "CUDA_ERROR_LAUNCH_TIMEOUT", "a launch took too long"},
    {CUDA_ERROR_CONTEXT_IS_DESTROYED, "CUDA_ERROR_CONTEXT_IS_DESTROYED", "the context is destroyed"},
    {CUDA_ERROR_ASSERT, "CUDA_ERROR_ASSERT", "an assertion failed on the device"},
    {CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED, "CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED",
     "host memory is locked already"},
    {CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED, "CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED", "host memory is not locked"},
    {CUDA_ERROR_HARDWARE_STACK_ERROR, "CUDA_ERROR_HARDWARE_STACK_ERROR", "stack error on the device"},
    {CUDA_ERROR_ILLEGAL_INSTRUCTION, "CUDA_ERROR_ILLEGAL_INSTRUCTION", "an illegal instruction was encountered"},
    {CUDA_ERROR_MISALIGNED_ADDRESS, "CUDA_ERROR_MISALIGNED_ADDRESS", "misaligned address"},
    {CUDA_ERROR_INVALID_ADDRESS_SPACE, "CUDA_ERROR_INVALID_ADDRESS_SPACE", "address of another memory space"},
    {CUDA_ERROR_INVALID_PC, "CUDA_ERROR_INVALID_PC", "invalid program counter"},
    {CUDA_ERROR_LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
    {CUDA_ERROR_TENSOR_MEMORY_LEAK, "CUDA_ERROR_TENSOR_MEMORY_LEAK", "tensor memory was not freed"},
    {CUDA_ERROR_NOT_PERMITTED, "CUDA_ERROR_NOT_PERMITTED", "operation not permitted"},
    {CUDA_ERROR_NOT_SUPPORTED, "CUDA_ERROR_NOT_SUPPORTED", "operation not supported"},
    {CUDA_ERROR_UNKNOWN, "CUDA_ERROR_UNKNOWN", "unknown error"},
};

const ErrorName* error_named(CUresult code) {
  for (const ErrorName& error : ERRORS) {
    if (error.code == code) {
      return &error;
    }
  }
  return nullptr;
}

}  // namespace

bool is_initialized() {
  return initialized;
}

bool has_current_context() {
  return current != nullptr && retained > 0;
}

uintptr_t next_handle() {
  // Far from every address that a process has.
  static uintptr_t last = uintptr_t(0xcdu) << 56;
  return last += 64;
}

}  // namespace cudasim

using namespace cudasim;

CUDASIM_EXPORT CUresult cuInit(unsigned flags) {
  CUDASIM_CALL(cuInit, NOTHING);
  if (flags != 0) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  if (settings.devices == 0) {
    return CUDA_ERROR_NO_DEVICE;
  }
  initialized = true;
  return CUDA_SUCCESS;
}

CUDASIM_EXPORT CUresult cuDriverGetVersion(int* version) {
  CUDASIM_CALL(cuDriverGetVersion, NOTHING);
  if (version == nullptr) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  *version = settings.driver_version;
  return CUDA_SUCCESS;
}

CUDASIM_EXPORT CUresult cuDeviceGetCount(int* count) {
  CUDASIM_CALL(cuDeviceGetCount, DRIVER);
  if (count == nullptr) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  *count = settings.devices;
  return CUDA_SUCCESS;
}

CUDASIM_EXPORT CUresult cuDeviceGet(CUdevice* device, int ordinal) {
  CUDASIM_CALL(cuDeviceGet, DRIVER);
  if (device == nullptr) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  if (ordinal < 0 || ordinal >= settings.devices) {
    return CUDA_ERROR_INVALID_DEVICE;
  }
  *device = ordinal;
  return CUDA_SUCCESS;
}

CUDASIM_EXPORT CUresult cuDeviceGetName(char* name, int length, CUdevice device) {
  CUDASIM_CALL(cuDeviceGetName, DRIVER);
  if (name == nullptr || length <= 0) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  if (device < 0 || device >= settings.devices) {
    return CUDA_ERROR_INVALID_DEVICE;
  }
  strncpy(name, "Panagrad software device (no GPU)", size_t(length));
  name[length - 1] = 0;
  return CUDA_SUCCESS;
}

CUDASIM_EXPORT CUresult cuDeviceGetAttribute(int* value, int attribute, CUdevice device) {
  CUDASIM_CALL(cuDeviceGetAttribute, DRIVER);
  if (value == nullptr) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  if (device < 0 || device >= settings.devices) {
    return CUDA_ERROR_INVALID_DEVICE;
  }
  for (const Attribute& known : ATTRIBUTES) {
    if (known.number == attribute) {
      *value = known.value;
      return CUDA_SUCCESS;
    }
  }
  return CUDA_ERROR_INVALID_VALUE;
}

CUDASIM_EXPORT CUresult cuDeviceTotalMem_v2(size_t* bytes, CUdevice device) {
  CUDASIM_CALL(cuDeviceTotalMem_v2, DRIVER);
  if (bytes == nullptr) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  if (device < 0 || device >= settings.devices) {
    return CUDA_ERROR_INVALID_DEVICE;
  }
  *bytes = settings.memory;
  return CUDA_SUCCESS;
}

// All devices share one context here, and its memory.
CUDASIM_EXPORT CUresult cuDevicePrimaryCtxRetain(CUcontext* context, CUdevice device) {
  CUDASIM_CALL(cuDevicePrimaryCtxRetain, DRIVER);
  if (context == nullptr) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  if (device < 0 || device >= settings.devices) {
    return CUDA_ERROR_INVALID_DEVICE;
  }
  if (context_error != CUDA_SUCCESS) {
    return context_error;
  }
  retained++;
  *context = &primary;
  return CUDA_SUCCESS;
}

// The last release ends everything in the context. An error stays until cudasim_reset, as one stays in
// a process that uses a GPU.
CUDASIM_EXPORT CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device) {
  CUDASIM_CALL(cuDevicePrimaryCtxRelease_v2, DRIVER);
  if (device < 0 || device >= settings.devices) {
    return CUDA_ERROR_INVALID_DEVICE;
  }
  if (retained == 0) {
    return CUDA_ERROR_INVALID_CONTEXT;
  }
  if (--retained == 0) {
    run_all_streams();
    abandon_blas();
    abandon_graphs();
    abandon_modules();
    abandon_streams();
    abandon_memory();
    abandon_host_memory();
  }
  return CUDA_SUCCESS;
}

CUDASIM_EXPORT CUresult cuCtxSetCurrent(CUcontext context) {
  CUDASIM_CALL(cuCtxSetCurrent, DRIVER);
  if (context_error != CUDA_SUCCESS) {
    return context_error;
  }
  if (context != nullptr && (context != &primary || retained == 0)) {
    return CUDA_ERROR_INVALID_CONTEXT;
  }
  current = context;
  return CUDA_SUCCESS;
}

CUDASIM_EXPORT CUresult cuCtxGetCurrent(CUcontext* context) {
  CUDASIM_CALL(cuCtxGetCurrent, DRIVER);
  if (context == nullptr) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  *context = current;
  return CUDA_SUCCESS;
}

CUDASIM_EXPORT CUresult cuCtxSynchronize() {
  CUDASIM_CALL(cuCtxSynchronize, CONTEXT);
  counters.synchronisations++;
  const CUresult code = run_all_streams();
  trim_pools();
  return code;
}

CUDASIM_EXPORT CUresult cuGetErrorName(CUresult code, const char** name) {
  CUDASIM_CALL(cuGetErrorName, NOTHING);
  const ErrorName* error = error_named(code);
  if (name != nullptr) {
    *name = error == nullptr ? nullptr : error->name;
  }
  return error == nullptr || name == nullptr ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}

CUDASIM_EXPORT CUresult cuGetErrorString(CUresult code, const char** words) {
  CUDASIM_CALL(cuGetErrorString, NOTHING);
  const ErrorName* error = error_named(code);
  if (words != nullptr) {
    *words = error == nullptr ? nullptr : error->words;
  }
  return error == nullptr || words == nullptr ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}
