// Modules and launches. A module is the compiled form of a source, of which only the names are used:
// the code that runs is compiled into this library. A kernel is found in the compiled form of its own
// source only, as on a GPU.
#include <cctype>
#include <cstring>
#include <string_view>

#include "device.h"

namespace cudasim {

namespace {

constexpr uint32_t FATBIN_MAGIC = 0xba55ed50;
constexpr unsigned DEFAULT_SHARED = 48 * 1024;
constexpr unsigned MAX_SHARED = 99 * 1024;
constexpr unsigned MAX_THREADS = 1024;

// The start of a fatbin; what follows has the size that it gives.
struct FatbinHeader {
  uint32_t magic;
  uint16_t version;
  uint16_t header_bytes;
  uint64_t bytes;
};

struct Module {
  std::string image;
};

struct LoadedFunction {
  const Kernel* kernel;
  uintptr_t module;
  unsigned max_shared;
};

Handles<Module> modules;
Handles<LoadedFunction> loaded_functions;

bool is_of_a_name(char c) {
  return isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '$';
}

// Whether the whole name stands somewhere in the image.
bool has_name(std::string_view image, std::string_view name) {
  for (size_t at = image.find(name); at != image.npos; at = image.find(name, at + 1)) {
    const size_t end = at + name.size();
    if ((at == 0 || !is_of_a_name(image[at - 1])) && (end == image.size() || !is_of_a_name(image[end]))) {
      return true;
    }
  }
  return false;
}

bool is_valid(const Shape& shape) {
  const unsigned long long threads = 1ull * shape.block[0] * shape.block[1] * shape.block[2];
  return shape.grid[0] >= 1 && shape.grid[0] <= 0x7fffffffu && shape.grid[1] >= 1 && shape.grid[1] <= 65535 &&
         shape.grid[2] >= 1 && shape.grid[2] <= 65535 && shape.block[0] <= MAX_THREADS &&
         shape.block[1] <= MAX_THREADS && shape.block[2] <= 64 && threads >= 1 && threads <= MAX_THREADS;
}

uintptr_t pointer(const Launch& launch, const Parameter& parameter) {
  uintptr_t address;
  memcpy(&address, launch.packed() + parameter.offset, sizeof(address));
  return address;
}

CUresult check_pointers(const Launch& launch, When when) {
  for (int i = 0; i < launch.kernel->parameter_count; i++) {
    const Parameter& parameter = launch.kernel->parameters[i];
    if (parameter.pointee_alignment == 0) {
      continue;
    }
    const uintptr_t address = pointer(launch, parameter);
    if (address == 0) {
      continue;
    }
    if (!is_allocated(address, 0, when)) {
      return fail_context(CUDA_ERROR_ILLEGAL_ADDRESS,
                          "argument %d of %s is %p, which is not allocated when it is %s", i, launch.kernel->name,
                          reinterpret_cast<void*>(address), when == When::QUEUED ? "queued" : "executed");
    }
    if (address % parameter.pointee_alignment != 0) {
      return fail_context(CUDA_ERROR_MISALIGNED_ADDRESS, "argument %d of %s is %p, which is no multiple of %u", i,
                          launch.kernel->name, reinterpret_cast<void*>(address), parameter.pointee_alignment);
    }
  }
  return CUDA_SUCCESS;
}

CUresult check_canaries(const Launch& launch) {
  for (int i = 0; i < launch.kernel->parameter_count; i++) {
    const Parameter& parameter = launch.kernel->parameters[i];
    if (parameter.pointee_alignment != 0 && !is_canary_intact(pointer(launch, parameter))) {
      return fail_context(CUDA_ERROR_ILLEGAL_ADDRESS, "%s wrote after the end of its argument %d", launch.kernel->name,
                          i);
    }
  }
  return CUDA_SUCCESS;
}

}  // namespace

std::shared_ptr<const Launch> make_launch(CUfunction function, const Shape& shape, void** arguments, void** extra,
                                          CUresult& code) {
  auto loaded = loaded_functions.find(function);
  if (loaded == nullptr) {
    code = CUDA_ERROR_INVALID_HANDLE;
    return nullptr;
  }
  if (!is_valid(shape) || shape.shared_bytes > loaded->max_shared || arguments == nullptr || extra != nullptr) {
    code = CUDA_ERROR_INVALID_VALUE;
    return nullptr;
  }
  const Kernel* kernel = loaded->kernel;
  auto launch = std::make_shared<Launch>();
  launch->kernel = kernel;
  memcpy(launch->grid, shape.grid, sizeof(shape.grid));
  memcpy(launch->block, shape.block, sizeof(shape.block));
  launch->shared_bytes = shape.shared_bytes;
  launch->arguments.resize(kernel->argument_bytes / sizeof(uint64_t));
  unsigned char* packed = reinterpret_cast<unsigned char*>(launch->arguments.data());
  for (int i = 0; i < kernel->parameter_count; i++) {
    if (arguments[i] == nullptr) {
      code = CUDA_ERROR_INVALID_VALUE;
      return nullptr;
    }
    memcpy(packed + kernel->parameters[i].offset, arguments[i], kernel->parameters[i].bytes);
  }
  code = CUDA_SUCCESS;
  return launch;
}

CUresult check_queued(const Launch& launch) {
  return check_pointers(launch, When::QUEUED);
}

CUresult execute(const Launch& launch, bool fails) {
  if (fails) {
    return CUDA_ERROR_ILLEGAL_ADDRESS;
  }
  CUresult code = check_pointers(launch, When::EXECUTED);
  if (code == CUDA_SUCCESS) {
    counters.kernels++;
    code = run_grid(launch);
  }
  return code == CUDA_SUCCESS ? check_canaries(launch) : code;
}

CUresult launch_fault() {
  if (!is_due(settings.launches_until_failure)) {
    return CUDA_SUCCESS;
  }
  if (is_sticky(settings.launch_failure)) {
    context_error = settings.launch_failure;
  }
  return settings.launch_failure;
}

void abandon_modules() {
  modules.abandon();
  // Functions end with their modules; nobody destroys them.
  loaded_functions = Handles<LoadedFunction>();
}

long module_count() {
  return modules.count();
}

}  // namespace cudasim

using namespace cudasim;

CUDASIM_EXPORT CUresult cuModuleLoadData(CUmodule* module, const void* image) {
  CUDASIM_CALL(cuModuleLoadData, CONTEXT);
  if (module == nullptr || image == nullptr) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  auto loaded = std::make_shared<Module>();
  FatbinHeader header;
  const char* bytes = static_cast<const char*>(image);
  memcpy(&header.magic, bytes, sizeof(header.magic));
  if (header.magic == FATBIN_MAGIC) {
    memcpy(&header, bytes, sizeof(header));
    if (header.header_bytes < sizeof(header) || header.bytes > size_t(1) << 30) {
      return CUDA_ERROR_INVALID_IMAGE;
    }
    loaded->image.assign(bytes, header.header_bytes + header.bytes);
  } else {
    // PTX starts with directives and comments, and ends with a zero.
    if (bytes[0] != '.' && bytes[0] != '/' && !isspace(static_cast<unsigned char>(bytes[0]))) {
      return CUDA_ERROR_INVALID_IMAGE;
    }
    loaded->image = bytes;
    if (loaded->image.find(".version") == std::string::npos) {
      return CUDA_ERROR_INVALID_IMAGE;
    }
  }
  *module = modules.add(loaded);
  return CUDA_SUCCESS;
}

CUDASIM_EXPORT CUresult cuModuleUnload(CUmodule module) {
  CUDASIM_CALL(cuModuleUnload, RELEASE);
  if (!modules.remove(module)) {
    return CUDA_ERROR_INVALID_HANDLE;
  }
  std::vector<uintptr_t> ended;
  loaded_functions.for_each([&](uintptr_t handle, const LoadedFunction& loaded) {
    if (loaded.module == reinterpret_cast<uintptr_t>(module)) {
      ended.push_back(handle);
    }
  });
  for (uintptr_t handle : ended) {
    loaded_functions.remove(reinterpret_cast<void*>(handle));
  }
  return context_error;
}

CUDASIM_EXPORT CUresult cuModuleGetFunction(CUfunction* function_out, CUmodule module, const char* name) {
  CUDASIM_CALL(cuModuleGetFunction, CONTEXT);
  auto found = modules.find(module);
  if (function_out == nullptr || name == nullptr) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  if (found == nullptr) {
    return CUDA_ERROR_INVALID_HANDLE;
  }
  const Kernel* kernel = find_kernel(name);
  if (kernel == nullptr || !has_name(found->image, kernel->source)) {
    return CUDA_ERROR_NOT_FOUND;
  }
  *function_out = loaded_functions.add(std::make_shared<LoadedFunction>(
      LoadedFunction{kernel, reinterpret_cast<uintptr_t>(module), DEFAULT_SHARED}));
  return CUDA_SUCCESS;
}

CUDASIM_EXPORT CUresult cuFuncSetAttribute(CUfunction handle, int attribute, int value) {
  CUDASIM_CALL(cuFuncSetAttribute, CONTEXT);
  auto loaded = loaded_functions.find(handle);
  if (loaded == nullptr) {
    return CUDA_ERROR_INVALID_HANDLE;
  }
  if (attribute != CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES || value < 0 || unsigned(value) > MAX_SHARED) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  loaded->max_shared = unsigned(value);
  return CUDA_SUCCESS;
}

CUDASIM_EXPORT CUresult cuLaunchKernel(CUfunction kernel, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                                       unsigned block_x, unsigned block_y, unsigned block_z, unsigned shared_bytes,
                                       CUstream handle, void** arguments, void** extra) {
  CUDASIM_CALL(cuLaunchKernel, CONTEXT);
  CUresult code = launch_fault();
  if (code != CUDA_SUCCESS) {
    return code;
  }
  auto stream = stream_of(handle);
  if (stream == nullptr) {
    return handle == nullptr ? CUDA_ERROR_INVALID_VALUE : CUDA_ERROR_INVALID_HANDLE;
  }
  const Shape shape = {{grid_x, grid_y, grid_z}, {block_x, block_y, block_z}, shared_bytes};
  auto launch = make_launch(kernel, shape, arguments, extra, code);
  if (launch == nullptr) {
    return code;
  }
  code = check_queued(*launch);
  if (code != CUDA_SUCCESS) {
    return code;
  }
  const bool fails = is_due(settings.kernels_until_failure);
  return enqueue(*stream, [launch, fails] { return execute(*launch, fails); });
}
