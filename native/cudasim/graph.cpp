// Graphs of kernels. Among nodes whose dependencies are done the one added last runs first: a missing
// dependency then shows as a wrong result.
#include <map>

#include "device.h"

namespace cudasim {

namespace {

struct Node {
  std::shared_ptr<const Launch> launch;
  CUfunction function;
  std::vector<size_t> dependencies;
};

struct Graph {
  std::vector<Node> nodes;
  std::map<CUgraphNode, size_t> numbers;
};

struct Executable {
  Graph graph;
  std::vector<size_t> order;
};

Handles<Graph> graphs;
Handles<Executable> executables;

std::vector<size_t> order_of(const Graph& graph) {
  std::vector<size_t> order;
  std::vector<bool> is_done(graph.nodes.size());
  while (order.size() < graph.nodes.size()) {
    for (size_t i = graph.nodes.size(); i-- > 0;) {
      bool is_ready = !is_done[i];
      for (size_t dependency : graph.nodes[i].dependencies) {
        is_ready = is_ready && is_done[dependency];
      }
      if (is_ready) {
        is_done[i] = true;
        order.push_back(i);
        break;
      }
    }
  }
  return order;
}

std::shared_ptr<const Launch> launch_of(const CUDA_KERNEL_NODE_PARAMS_v2& p, CUresult& code) {
  const Shape shape = {{p.gridDimX, p.gridDimY, p.gridDimZ}, {p.blockDimX, p.blockDimY, p.blockDimZ}, p.sharedMemBytes};
  return make_launch(p.func, shape, p.kernelParams, p.extra, code);
}

}  // namespace

void abandon_graphs() {
  executables.abandon();
  graphs.abandon();
}

long graph_count() {
  return graphs.count() + executables.count();
}

}  // namespace cudasim

using namespace cudasim;

CUDASIM_EXPORT CUresult cuGraphCreate(CUgraph* graph, unsigned flags) {
  CUDASIM_CALL(cuGraphCreate, CONTEXT);
  if (graph == nullptr || flags != 0) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  *graph = graphs.add(std::make_shared<Graph>());
  return CUDA_SUCCESS;
}

CUDASIM_EXPORT CUresult cuGraphDestroy(CUgraph graph) {
  CUDASIM_CALL(cuGraphDestroy, RELEASE);
  return graphs.remove(graph) ? context_error : CUDA_ERROR_INVALID_HANDLE;
}

CUDASIM_EXPORT CUresult cuGraphAddKernelNode_v2(CUgraphNode* node, CUgraph graph, const CUgraphNode* dependencies,
                                                size_t dependency_count, const CUDA_KERNEL_NODE_PARAMS_v2* parameters) {
  CUDASIM_CALL(cuGraphAddKernelNode_v2, CONTEXT);
  auto found = graphs.find(graph);
  if (node == nullptr || parameters == nullptr || (dependency_count > 0 && dependencies == nullptr)) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  if (found == nullptr) {
    return CUDA_ERROR_INVALID_HANDLE;
  }
  Node added;
  for (size_t i = 0; i < dependency_count; i++) {
    auto dependency = found->numbers.find(dependencies[i]);
    if (dependency == found->numbers.end()) {
      return CUDA_ERROR_INVALID_VALUE;
    }
    added.dependencies.push_back(dependency->second);
  }
  CUresult code;
  added.launch = launch_of(*parameters, code);
  if (added.launch == nullptr) {
    return code;
  }
  added.function = parameters->func;
  *node = reinterpret_cast<CUgraphNode>(next_handle());
  found->numbers[*node] = found->nodes.size();
  found->nodes.push_back(added);
  return CUDA_SUCCESS;
}

CUDASIM_EXPORT CUresult cuGraphInstantiateWithFlags(CUgraphExec* executable, CUgraph graph, unsigned long long flags) {
  CUDASIM_CALL(cuGraphInstantiateWithFlags, CONTEXT);
  auto found = graphs.find(graph);
  if (executable == nullptr || flags != 0) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  if (found == nullptr) {
    return CUDA_ERROR_INVALID_HANDLE;
  }
  auto made = std::make_shared<Executable>();
  made->graph = *found;
  made->order = order_of(*found);
  *executable = executables.add(made);
  return CUDA_SUCCESS;
}

// Launches that were made before keep their arguments.
CUDASIM_EXPORT CUresult cuGraphExecKernelNodeSetParams_v2(CUgraphExec executable, CUgraphNode node,
                                                          const CUDA_KERNEL_NODE_PARAMS_v2* parameters) {
  CUDASIM_CALL(cuGraphExecKernelNodeSetParams_v2, CONTEXT);
  auto found = executables.find(executable);
  if (found == nullptr) {
    return CUDA_ERROR_INVALID_HANDLE;
  }
  auto number = found->graph.numbers.find(node);
  if (parameters == nullptr || number == found->graph.numbers.end() ||
      parameters->func != found->graph.nodes[number->second].function) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  CUresult code;
  auto launch = launch_of(*parameters, code);
  if (launch != nullptr) {
    found->graph.nodes[number->second].launch = launch;
  }
  return code;
}

CUDASIM_EXPORT CUresult cuGraphLaunch(CUgraphExec executable, CUstream handle) {
  CUDASIM_CALL(cuGraphLaunch, CONTEXT);
  CUresult code = launch_fault();
  if (code != CUDA_SUCCESS) {
    return code;
  }
  auto found = executables.find(executable);
  auto stream = stream_of(handle);
  if (stream == nullptr) {
    return handle == nullptr ? CUDA_ERROR_INVALID_VALUE : CUDA_ERROR_INVALID_HANDLE;
  }
  if (found == nullptr) {
    return CUDA_ERROR_INVALID_HANDLE;
  }
  struct Step {
    std::shared_ptr<const Launch> launch;
    bool fails;
  };
  std::vector<Step> steps;
  for (size_t number : found->order) {
    const auto& launch = found->graph.nodes[number].launch;
    code = check_queued(*launch);
    if (code != CUDA_SUCCESS) {
      return code;
    }
    steps.push_back({launch, is_due(settings.kernels_until_failure)});
  }
  return enqueue(*stream, [steps = std::move(steps)] {
    for (const Step& step : steps) {
      const CUresult failure = execute(*step.launch, step.fails);
      if (failure != CUDA_SUCCESS) {
        return failure;
      }
    }
    return CUresult(CUDA_SUCCESS);
  });
}

CUDASIM_EXPORT CUresult cuGraphExecDestroy(CUgraphExec executable) {
  CUDASIM_CALL(cuGraphExecDestroy, RELEASE);
  return executables.remove(executable) ? context_error : CUDA_ERROR_INVALID_HANDLE;
}
