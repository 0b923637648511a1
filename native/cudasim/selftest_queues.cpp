// Streams, events, graphs, and errors of the context.
#include "selftest.h"

void test_streams() {
  Device device;
  const CUdeviceptr x = device.allocate(1024);
  float value = 0;
  CUevent event = nullptr;
  CHECK_CODE(CUDA_SUCCESS, cuEventCreate(&event, CU_EVENT_DISABLE_TIMING));
  cuStreamSynchronize(device.stream);

  // Lazy: nothing is executed before the host waits.
  cudasim_reset_counts();
  CHECK_CODE(CUDA_SUCCESS, device.launch("fill", 1, 256, 0, device.stream, x, 256LL, 1.0f));
  CHECK(cudasim_count("kernels") == 0);
  CHECK_CODE(CUDA_ERROR_NOT_READY, cuStreamQuery(device.stream));
  CHECK_CODE(CUDA_SUCCESS, cuStreamQuery(device.stream));
  CHECK(cudasim_count("kernels") == 1);

  // Another stream that does not wait reads what was there before.
  device.launch("fill", 1, 256, 0, device.stream, x, 256LL, 2.0f);
  cuMemcpyDtoHAsync_v2(&value, x, 4, device.other);
  CHECK(value == 1);

  // And with an event what was written.
  device.launch("fill", 1, 256, 0, device.stream, x, 256LL, 3.0f);
  CHECK_CODE(CUDA_SUCCESS, cuEventRecord(event, device.stream));
  device.launch("fill", 1, 256, 0, device.stream, x, 256LL, 4.0f);
  CHECK_CODE(CUDA_SUCCESS, cuStreamWaitEvent(device.other, event, 0));
  cuMemcpyDtoHAsync_v2(&value, x, 4, device.other);
  CHECK(value == 3);
  CHECK_CODE(CUDA_SUCCESS, cuEventQuery(event));
  CHECK_CODE(CUDA_SUCCESS, cuCtxSynchronize());
  device.download(&value, x, 4);
  CHECK(value == 4);

  // Through two streams and back.
  device.launch("fill", 1, 256, 0, device.other, x, 256LL, 5.0f);
  cuEventRecord(event, device.other);
  cuStreamWaitEvent(device.stream, event, 0);
  CHECK_CODE(CUDA_SUCCESS, cuEventRecord(event, device.stream));
  CHECK_CODE(CUDA_SUCCESS, cuEventSynchronize(event));
  cuStreamQuery(device.other);
  CHECK_CODE(CUDA_SUCCESS, cuStreamQuery(device.other));

  // An event that was never recorded holds nobody up; neither does one whose stream ended.
  CUevent fresh = nullptr;
  cuEventCreate(&fresh, CU_EVENT_DISABLE_TIMING);
  CHECK_CODE(CUDA_SUCCESS, cuStreamWaitEvent(device.stream, fresh, 0));
  CHECK_CODE(CUDA_SUCCESS, cuEventSynchronize(fresh));
  CUstream brief = nullptr;
  cuStreamCreate(&brief, CU_STREAM_NON_BLOCKING);
  device.launch("fill", 1, 256, 0, brief, x, 256LL, 6.0f);
  cuEventRecord(fresh, brief);
  CHECK_CODE(CUDA_SUCCESS, cuStreamDestroy_v2(brief));
  CHECK_CODE(CUDA_ERROR_INVALID_HANDLE, cuStreamSynchronize(brief));
  CHECK_CODE(CUDA_SUCCESS, cuEventQuery(fresh));
  device.download(&value, x, 4);
  CHECK(value == 6);
  CHECK_CODE(CUDA_ERROR_INVALID_VALUE, cuStreamSynchronize(nullptr));

  // A queue that nobody waits for is bounded.
  cudasim_reset_counts();
  for (int i = 0; i < 5000; i++) {
    device.launch("fill", 1, 32, 0, device.stream, x, 1LL, 7.0f);
  }
  CHECK(cudasim_count("kernels") == 5000 - 4096);

  cudasim_schedule(1);
  device.launch("fill", 1, 256, 0, device.stream, x, 256LL, 8.0f);
  CHECK(cudasim_count("kernels") == 5001);
}

void test_errors() {
  Device device;
  const CUdeviceptr x = device.allocate(1024);
  float value = 0;
  device.launch("fill", 1, 256, 0, device.stream, x, 256LL, 1.0f);

  // When it is executed: told by a later call, and by all from then on.
  cudasim_fail_execution(2);
  CHECK_CODE(CUDA_SUCCESS, device.launch("fill", 1, 256, 0, device.stream, x, 256LL, 2.0f));
  CHECK_CODE(CUDA_SUCCESS, device.launch("fill", 1, 256, 0, device.stream, x, 256LL, 3.0f));
  CHECK_CODE(CUDA_ERROR_ILLEGAL_ADDRESS, device.download(&value, x, 4));
  CHECK_CODE(CUDA_ERROR_ILLEGAL_ADDRESS, cuStreamSynchronize(device.stream));
  CHECK_CODE(CUDA_ERROR_ILLEGAL_ADDRESS, cuCtxSetCurrent(device.context));
  CUcontext again;
  CHECK_CODE(CUDA_ERROR_ILLEGAL_ADDRESS, cuDevicePrimaryCtxRetain(&again, 0));
  const char* name = nullptr;
  CHECK_CODE(CUDA_SUCCESS, cuGetErrorName(CUDA_ERROR_ILLEGAL_ADDRESS, &name));
  CHECK(name != nullptr && strcmp(name, "CUDA_ERROR_ILLEGAL_ADDRESS") == 0);
  cudasim_reset();
  CHECK_CODE(CUDA_SUCCESS, device.download(&value, x, 4));
  CHECK(value == 2);

  // At the launch.
  cudasim_fail_launch(1, CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES);
  CHECK_CODE(CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES, device.launch("fill", 1, 256, 0, device.stream, x, 256LL, 4.0f));
  CHECK_CODE(CUDA_SUCCESS, device.launch("fill", 1, 256, 0, device.stream, x, 256LL, 4.0f));
  cudasim_fail_launch(1, CUDA_ERROR_LAUNCH_FAILED);
  CHECK_CODE(CUDA_ERROR_LAUNCH_FAILED, device.launch("fill", 1, 256, 0, device.stream, x, 256LL, 4.0f));
  CHECK_CODE(CUDA_ERROR_LAUNCH_FAILED, cuStreamSynchronize(device.stream));
  cudasim_reset();

  // Any call.
  cudasim_fail_call("cuEventCreate", 2, CUDA_ERROR_OUT_OF_MEMORY);
  CUevent event;
  CHECK_CODE(CUDA_SUCCESS, cuEventCreate(&event, 0));
  CHECK_CODE(CUDA_ERROR_OUT_OF_MEMORY, cuEventCreate(&event, 0));
  CHECK_CODE(CUDA_SUCCESS, cuEventCreate(&event, 0));
  CHECK_CODE(CUDA_ERROR_INVALID_VALUE, cuEventCreate(&event, 4));

  // Pointers that are none.
  float on_host = 0;
  for (CUdeviceptr bad : {CUdeviceptr(&on_host), CUdeviceptr(8), x + 1028}) {
    CHECK_CODE(CUDA_ERROR_ILLEGAL_ADDRESS, device.launch("fill", 1, 256, 0, device.stream, bad, 1LL, 1.0f));
    cudasim_reset();
  }
  CHECK_CODE(CUDA_SUCCESS, device.launch("fill", 1, 256, 0, device.stream, x + 1024, 0LL, 1.0f));
  CHECK_CODE(CUDA_SUCCESS, cuStreamSynchronize(device.stream));
  CHECK_CODE(CUDA_ERROR_MISALIGNED_ADDRESS, device.launch("fill", 1, 256, 0, device.stream, x + 2, 1LL, 1.0f));
  cudasim_reset();

  // Modules: the image must name the kernel's source.
  CUmodule module;
  CUfunction function;
  CHECK_CODE(CUDA_ERROR_INVALID_IMAGE, cuModuleLoadData(&module, "ELF"));
  CHECK_CODE(CUDA_SUCCESS, cuModuleLoadData(&module, "// .version 8.0 not_selftest.cu"));
  CHECK_CODE(CUDA_ERROR_NOT_FOUND, cuModuleGetFunction(&function, module, "fill"));
  CHECK_CODE(CUDA_ERROR_NOT_FOUND, cuModuleGetFunction(&function, device.module, "unknown"));
  function = device.function("fill");
  CHECK_CODE(CUDA_SUCCESS, cuModuleUnload(device.module));
  CHECK_CODE(CUDA_ERROR_INVALID_HANDLE, device.launch(function, 1, 256, 0, device.stream, x, 1LL, 1.0f));
}

namespace {

template <typename... Arguments>
CUresult add_node(Device& device, CUgraph graph, CUgraphNode* node, const CUgraphNode* after, const char* name,
                  Arguments... arguments) {
  void* pointers[] = {&arguments...};
  CUDA_KERNEL_NODE_PARAMS_v2 p = {device.function(name), 1, 1, 1, 256, 1, 1, 0, pointers, nullptr, nullptr, nullptr};
  return cuGraphAddKernelNode_v2(node, graph, after, after == nullptr ? 0 : 1, &p);
}

}  // namespace

void test_graphs() {
  Device device;
  const CUdeviceptr x = device.allocate(1024);
  const CUdeviceptr y = device.allocate(1024);
  float value = 0;
  CUgraph graph;
  CUgraphNode first;
  CUgraphNode second;
  CUgraphExec executable;
  cudasim_reset_counts();

  void* arguments[3];
  long long count = 256;
  float filled = 1;
  CUdeviceptr to = x;
  arguments[0] = &to;
  arguments[1] = &count;
  arguments[2] = &filled;
  CUfunction fill = device.function("fill");
  CUDA_KERNEL_NODE_PARAMS_v2 p = {fill, 1, 1, 1, 256, 1, 1, 0, arguments, nullptr, nullptr, nullptr};

  device.launch("fill", 1, 256, 0, device.stream, y, 256LL, 10.0f);
  CHECK_CODE(CUDA_SUCCESS, cuGraphCreate(&graph, 0));
  CHECK_CODE(CUDA_SUCCESS, cuGraphAddKernelNode_v2(&first, graph, nullptr, 0, &p));
  CHECK_CODE(CUDA_SUCCESS, add_node(device, graph, &second, &first, "add", x, y, 256LL));
  CHECK_CODE(CUDA_SUCCESS, cuGraphInstantiateWithFlags(&executable, graph, 0));
  CHECK_CODE(CUDA_SUCCESS, cuGraphLaunch(executable, device.stream));
  // Arguments of later launches only.
  filled = 2;
  CHECK_CODE(CUDA_SUCCESS, cuGraphExecKernelNodeSetParams_v2(executable, first, &p));
  filled = 100;
  CHECK_CODE(CUDA_SUCCESS, cuGraphLaunch(executable, device.stream));
  CHECK(cudasim_count("kernels") == 0);
  CHECK_CODE(CUDA_SUCCESS, device.download(&value, y, 4));
  CHECK(value == 13);
  CHECK(cudasim_count("kernels") == 5);

  p.func = device.function("fill");
  CHECK_CODE(CUDA_ERROR_INVALID_VALUE, cuGraphExecKernelNodeSetParams_v2(executable, first, &p));
  CHECK(cudasim_count("live_graphs") == 2);
  CHECK_CODE(CUDA_SUCCESS, cuGraphDestroy(graph));
  CHECK_CODE(CUDA_SUCCESS, cuGraphExecDestroy(executable));
  CHECK_CODE(CUDA_ERROR_INVALID_HANDLE, cuGraphLaunch(executable, device.stream));

  // A missing dependency shows: the second node runs first.
  cuGraphCreate(&graph, 0);
  add_node(device, graph, &first, nullptr, "fill", x, 256LL, 5.0f);
  add_node(device, graph, &second, nullptr, "add", x, y, 256LL);
  cuGraphInstantiateWithFlags(&executable, graph, 0);
  cuGraphLaunch(executable, device.stream);
  device.download(&value, y, 4);
  CHECK(value == 15);
}
