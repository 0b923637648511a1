// Tests of the software device itself, with the kernels of selftest_kernels.cpp in place of kernels.cpp.
// Prints how many passed; exits with 1 if one failed. "cudasim-selftest time" prints what a launch
// costs instead.
#include "selftest.h"

#include <chrono>

// ---- what the tests use

int passed = 0;
int failed = 0;

void expect(bool holds, const char* what, const char* file, int line) {
  if (holds) {
    passed++;
  } else {
    failed++;
    printf("%s:%d: %s\n", file, line, what);
  }
}

Device::Device() {
  cudasim_reset();
  cuInit(0);
  cuDevicePrimaryCtxRetain(&context, 0);
  cuCtxSetCurrent(context);
  CUmemPoolProps properties = {};
  properties.allocType = CU_MEM_ALLOCATION_TYPE_PINNED;
  properties.location = {CU_MEM_LOCATION_TYPE_DEVICE, 0};
  cuMemPoolCreate(&pool, &properties);
  cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING);
  cuStreamCreate(&other, CU_STREAM_NON_BLOCKING);
  cuModuleLoadData(&module, ".version 8.0 selftest.cu");
}

Device::~Device() {
  cuDevicePrimaryCtxRelease_v2(0);
  cudasim_reset();
  cudasim_schedule(0);
}

CUdeviceptr Device::allocate(size_t bytes) {
  CUdeviceptr address = 0;
  cuMemAllocFromPoolAsync(&address, bytes, pool, stream);
  return address;
}

CUfunction Device::function(const char* name) {
  CUfunction function = nullptr;
  cuModuleGetFunction(&function, module, name);
  return function;
}

CUresult Device::download(void* to, CUdeviceptr from, size_t bytes) {
  return cuMemcpyDtoHAsync_v2(to, from, bytes, stream);
}

// ---- threads of a block

void test_blocks() {
  Device device;
  const CUdeviceptr x = device.allocate(512 * 4);
  std::vector<float> host(512);
  for (int i = 0; i < 512; i++) {
    host[i] = float(i);
  }
  cuMemcpyHtoDAsync_v2(x, host.data(), 512 * 4, device.stream);
  CHECK_CODE(CUDA_SUCCESS, device.launch("reverse", 2, 256, 0, device.stream, x));
  CHECK_CODE(CUDA_SUCCESS, device.download(host.data(), x, 512 * 4));
  bool is_reversed = true;
  for (int i = 0; i < 512; i++) {
    is_reversed = is_reversed && host[i] == float(i / 256 * 256 + 255 - i % 256);
  }
  CHECK(is_reversed);

  const CUdeviceptr y = device.allocate(96 * 8);
  double sums[96];
  device.launch("shuffles", 1, 32, 0, device.stream, y);
  device.download(sums, y, sizeof(sums));
  bool is_right = true;
  for (int i = 0; i < 32; i++) {
    is_right = is_right && sums[i] == 496 && sums[32 + i] == (i < 30 ? i + 2 : i) && sums[64 + i] == 3;
  }
  CHECK(is_right);

  // Two orders of threads: a missing barrier shows in both here, and in one of them at least elsewhere.
  for (int i = 0; i < 256; i++) {
    host[i] = float(i);
  }
  cuMemcpyHtoDAsync_v2(x, host.data(), 256 * 4, device.stream);
  device.launch("reverse_unsafely", 1, 256, 0, device.stream, x);
  device.download(host.data(), x, 256 * 4);
  CHECK(host[0] != 255 || host[255] != 0);
}

void test_threads_that_do_not_meet() {
  for (const char* name : {"half_waits", "lanes_part", "two_places"}) {
    for (int repeat = 0; repeat < 2; repeat++) {  // both orders
      Device device;
      const CUdeviceptr x = device.allocate(4);
      CHECK_CODE(CUDA_SUCCESS, device.launch(name, 1, 256, 0, device.stream, x));
      CHECK_CODE(CUDA_ERROR_LAUNCH_FAILED, cuStreamSynchronize(device.stream));
      CHECK_CODE(CUDA_ERROR_LAUNCH_FAILED, cuCtxSetCurrent(device.context));
      cudasim_reset();
      CHECK_CODE(CUDA_SUCCESS, device.launch("barriers", 1, 256, 0, device.stream, x, 3));
      CHECK_CODE(CUDA_SUCCESS, cuStreamSynchronize(device.stream));
    }
  }
  Device device;
  const CUdeviceptr y = device.allocate(96 * 8);
  device.launch("shuffles", 1, 16, 0, device.stream, y);  // half a warp
  CHECK_CODE(CUDA_ERROR_LAUNCH_FAILED, cuStreamSynchronize(device.stream));
}

void test_shapes() {
  Device device;
  const CUdeviceptr x = device.allocate(4);
  CHECK_CODE(CUDA_ERROR_INVALID_VALUE, device.launch("barriers", 0, 256, 0, device.stream, x, 1));
  CHECK_CODE(CUDA_ERROR_INVALID_VALUE, device.launch("barriers", 1, 1025, 0, device.stream, x, 1));
  CHECK_CODE(CUDA_ERROR_INVALID_VALUE, device.launch("barriers", 1, 256, 0, nullptr, x, 1));
  CHECK_CODE(CUDA_SUCCESS, device.launch("barriers", 1, 1024, 0, device.stream, x, 2));
  CHECK_CODE(CUDA_SUCCESS, cuStreamSynchronize(device.stream));

  // Shared memory: limits, and NaN at the start of each launch.
  CUfunction dynamic = device.function("dynamic");
  CHECK_CODE(CUDA_ERROR_INVALID_VALUE, device.launch(dynamic, 1, 32, 49153, device.stream, x, 1));
  CHECK_CODE(CUDA_ERROR_INVALID_VALUE,
             cuFuncSetAttribute(dynamic, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 99 * 1024 + 1));
  CHECK_CODE(CUDA_SUCCESS, cuFuncSetAttribute(dynamic, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 99 * 1024));
  for (int i = 0; i < 2; i++) {
    float last = 0;
    CHECK_CODE(CUDA_SUCCESS, device.launch(dynamic, 1, 32, 99 * 1024, device.stream, x, 99 * 256));
    CHECK_CODE(CUDA_SUCCESS, device.download(&last, x, 4));
    CHECK(last != last);
  }
  float first[2] = {0, 0};
  const CUdeviceptr y = device.allocate(8);
  for (int i = 0; i < 2; i++) {
    device.launch("leftover", 2, 32, 0, device.stream, y);
    device.download(first, y, 8);
    CHECK(first[0] != first[0] && first[1] != first[1]);
  }
}

// ---- time

double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// The least of several runs, since other programs only add to it.
template <typename Run>
void print_time(const char* what, int count, Run run) {
  double least = 1e9;
  for (int repeat = 0; repeat < 7; repeat++) {
    const double start = seconds();
    run();
    const double time = (seconds() - start) / count * 1e6;
    least = time < least ? time : least;
  }
  printf("%-60s %8.3f us\n", what, least);
}

void measure() {
  Device device;
  const CUdeviceptr x = device.allocate(4096 * 4);
  CUfunction fill = device.function("fill");
  CUfunction barriers = device.function("barriers");
  constexpr int COUNT = 5000;
  const auto launches = [&](const char* what, CUfunction function, int blocks, auto... arguments) {
    print_time(what, COUNT, [&] {
      for (int i = 0; i < COUNT; i++) {
        device.launch(function, unsigned(blocks), 256, 0, device.stream, x, arguments...);
      }
      cuStreamSynchronize(device.stream);
    });
  };
  launches("launch, 1 block of 256 threads, no barrier", fill, 1, 0LL, 1.0f);
  launches("launch, 4 blocks of 256 threads, no barrier", fill, 4, 0LL, 1.0f);
  launches("launch, 1 block of 256 threads, 2 barriers", barriers, 1, 2);
  launches("launch, 4 blocks of 256 threads, 2 barriers", barriers, 4, 2);
  print_time("a barrier of 256 threads", COUNT, [&] {
    device.launch(barriers, 1, 256, 0, device.stream, x, COUNT);
    cuStreamSynchronize(device.stream);
  });
  print_time("allocate and free 4 KiB", COUNT, [&] {
    for (int i = 0; i < COUNT; i++) {
      cuMemFreeAsync(device.allocate(4096), device.stream);
    }
    cuStreamSynchronize(device.stream);
  });
}

int main(int count, char** arguments) {
  if (count > 1 && strcmp(arguments[1], "time") == 0) {
    measure();
    return 0;
  }
  test_blocks();
  test_threads_that_do_not_meet();
  test_shapes();
  test_streams();
  test_memory();
  test_errors();
  test_graphs();
  test_host_memory();
  test_products();
  printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}
