// What the parts of the self-test share: checks, the exported functions, and an opened device.
#pragma once

#include <cstdio>
#include <cstring>
#include <vector>

#include "driver_types.h"

void expect(bool holds, const char* what, const char* file, int line);

#define CHECK(condition) expect(condition, #condition, __FILE__, __LINE__)
#define CHECK_CODE(code, call) expect((call) == (code), #call " is not " #code, __FILE__, __LINE__)

void test_streams();
void test_memory();
void test_errors();
void test_graphs();
void test_host_memory();
void test_products();

extern "C" {
CUresult cuInit(unsigned);
CUresult cuDevicePrimaryCtxRetain(CUcontext*, CUdevice);
CUresult cuDevicePrimaryCtxRelease_v2(CUdevice);
CUresult cuCtxSetCurrent(CUcontext);
CUresult cuCtxSynchronize();
CUresult cuMemGetInfo_v2(size_t*, size_t*);
CUresult cuMemPoolCreate(CUmemoryPool*, const CUmemPoolProps*);
CUresult cuMemPoolSetAttribute(CUmemoryPool, int, void*);
CUresult cuMemPoolGetAttribute(CUmemoryPool, int, void*);
CUresult cuMemPoolTrimTo(CUmemoryPool, size_t);
CUresult cuMemAllocFromPoolAsync(CUdeviceptr*, size_t, CUmemoryPool, CUstream);
CUresult cuMemFreeAsync(CUdeviceptr, CUstream);
CUresult cuMemHostAlloc(void**, size_t, unsigned);
CUresult cuMemFreeHost(void*);
CUresult cuMemHostRegister_v2(void*, size_t, unsigned);
CUresult cuMemHostUnregister(void*);
CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr, const void*, size_t, CUstream);
CUresult cuMemcpyDtoHAsync_v2(void*, CUdeviceptr, size_t, CUstream);
CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr, CUdeviceptr, size_t, CUstream);
CUresult cuMemcpy2DAsync_v2(const CUDA_MEMCPY2D*, CUstream);
CUresult cuMemsetD8Async(CUdeviceptr, unsigned char, size_t, CUstream);
CUresult cuStreamCreate(CUstream*, unsigned);
CUresult cuStreamDestroy_v2(CUstream);
CUresult cuStreamSynchronize(CUstream);
CUresult cuStreamQuery(CUstream);
CUresult cuStreamWaitEvent(CUstream, CUevent, unsigned);
CUresult cuEventCreate(CUevent*, unsigned);
CUresult cuEventRecord(CUevent, CUstream);
CUresult cuEventSynchronize(CUevent);
CUresult cuEventQuery(CUevent);
CUresult cuModuleLoadData(CUmodule*, const void*);
CUresult cuModuleUnload(CUmodule);
CUresult cuModuleGetFunction(CUfunction*, CUmodule, const char*);
CUresult cuFuncSetAttribute(CUfunction, int, int);
CUresult cuLaunchKernel(CUfunction, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, CUstream,
                        void**, void**);
CUresult cuGraphCreate(CUgraph*, unsigned);
CUresult cuGraphAddKernelNode_v2(CUgraphNode*, CUgraph, const CUgraphNode*, size_t, const CUDA_KERNEL_NODE_PARAMS_v2*);
CUresult cuGraphInstantiateWithFlags(CUgraphExec*, CUgraph, unsigned long long);
CUresult cuGraphExecKernelNodeSetParams_v2(CUgraphExec, CUgraphNode, const CUDA_KERNEL_NODE_PARAMS_v2*);
CUresult cuGraphLaunch(CUgraphExec, CUstream);
CUresult cuGraphDestroy(CUgraph);
CUresult cuGraphExecDestroy(CUgraphExec);
CUresult cuGetErrorName(CUresult, const char**);
cublasStatus_t cublasCreate_v2(cublasHandle_t*);
cublasStatus_t cublasDestroy_v2(cublasHandle_t);
cublasStatus_t cublasSetStream_v2(cublasHandle_t, CUstream);
cublasStatus_t cublasSetMathMode(cublasHandle_t, int);
cublasStatus_t cublasSgemm_v2(cublasHandle_t, int, int, int, int, int, const float*, const float*, int, const float*,
                              int, const float*, float*, int);
cublasStatus_t cublasDgemm_v2(cublasHandle_t, int, int, int, int, int, const double*, const double*, int, const double*,
                              int, const double*, double*, int);
cublasStatus_t cublasGemmEx(cublasHandle_t, int, int, int, int, int, const void*, const void*, int, int, const void*,
                            int, int, const void*, void*, int, int, int, int);
cublasStatus_t cublasSgemv_v2(cublasHandle_t, int, int, int, const float*, const float*, int, const float*, int,
                              const float*, float*, int);
void cudasim_reset();
void cudasim_fail_allocation(long);
void cudasim_fail_launch(long, int);
void cudasim_fail_execution(long);
void cudasim_fail_call(const char*, long, int);
void cudasim_set_memory(long);
void cudasim_refuse_register(int);
void cudasim_schedule(int);
long cudasim_count(const char*);
void cudasim_reset_counts();
}

// The device with two streams and a pool, from the start of a test to its end.
struct Device {
  CUcontext context = nullptr;
  CUmemoryPool pool = nullptr;
  CUstream stream = nullptr;
  CUstream other = nullptr;
  CUmodule module = nullptr;

  Device();
  ~Device();
  Device(const Device&) = delete;

  // On the first stream.
  CUdeviceptr allocate(size_t bytes);
  CUfunction function(const char* name);
  CUresult download(void* to, CUdeviceptr from, size_t bytes);

  template <typename... Arguments>
  CUresult launch(CUfunction function, unsigned grid, unsigned block, unsigned shared, CUstream on,
                  Arguments... arguments) {
    void* pointers[] = {&arguments...};
    return cuLaunchKernel(function, grid, 1, 1, block, 1, 1, shared, on, pointers, nullptr);
  }

  template <typename... Arguments>
  CUresult launch(const char* name, unsigned grid, unsigned block, unsigned shared, CUstream on,
                  Arguments... arguments) {
    return launch(function(name), grid, block, shared, on, arguments...);
  }
};
