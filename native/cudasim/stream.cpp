// Streams and events. Work is executed as late as possible: when the host waits for its stream, for an
// event recorded after it, or for work of another stream that waits for such an event. Where a wait is
// missing, the work that it should have waited for was not done, and the result shows it.
#include <deque>

#include "device.h"

namespace cudasim {

struct Item {
  Work work;
  bool allocates;
};

struct Stream {
  std::deque<Item> items;
  long queued = 0;
  long executed = 0;
};

namespace {

// A host that never waits must not make the queue grow for ever.
constexpr size_t MAX_ITEMS = 4096;

// Complete when the stream it was recorded in has executed that many items.
struct Event {
  std::shared_ptr<Stream> stream;
  long position = 0;
};

Handles<Stream> streams;
Handles<Event> events;

CUresult run_item(Stream& stream) {
  // The item may execute other streams, but never this one: it waits for what was queued before it.
  Item item = std::move(stream.items.front());
  stream.items.pop_front();
  const CUresult code = item.work();
  stream.executed++;
  if (code != CUDA_SUCCESS && context_error == CUDA_SUCCESS) {
    context_error = code;
  }
  return context_error;
}

CUresult run_until(Stream& stream, long position) {
  while (context_error == CUDA_SUCCESS && stream.executed < position) {
    run_item(stream);
  }
  return context_error;
}

bool is_complete(const Event& event) {
  return event.stream == nullptr || event.stream->executed >= event.position;
}

}  // namespace

std::shared_ptr<Stream> stream_of(CUstream handle) {
  return streams.find(handle);
}

CUresult enqueue(Stream& stream, Work work, bool allocates) {
  stream.items.push_back({std::move(work), allocates});
  stream.queued++;
  if (settings.eager) {
    return run_until(stream, stream.queued);
  }
  return stream.items.size() > MAX_ITEMS ? run_until(stream, stream.executed + 1) : CUDA_SUCCESS;
}

CUresult run_stream(Stream& stream) {
  return run_until(stream, stream.queued);
}

CUresult run_all_streams() {
  streams.for_each([](uintptr_t, Stream& stream) { run_stream(stream); });
  return context_error;
}

// Memory is allocated and freed all the same, so that none is lost.
void drop_work() {
  streams.for_each([](uintptr_t, Stream& stream) {
    while (!stream.items.empty()) {
      if (stream.items.front().allocates) {
        stream.items.front().work();
      }
      stream.items.pop_front();
      stream.executed++;
    }
  });
  context_error = CUDA_SUCCESS;
}

void abandon_streams() {
  events.abandon();
  streams.abandon();
}

long stream_count() {
  return streams.count();
}

long event_count() {
  return events.count();
}

}  // namespace cudasim

using namespace cudasim;

CUDASIM_EXPORT CUresult cuStreamCreate(CUstream* stream, unsigned flags) {
  CUDASIM_CALL(cuStreamCreate, CONTEXT);
  if (stream == nullptr || (flags & ~CU_STREAM_NON_BLOCKING) != 0) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  *stream = streams.add(std::make_shared<Stream>());
  return CUDA_SUCCESS;
}

// Its work is done first.
CUDASIM_EXPORT CUresult cuStreamDestroy_v2(CUstream stream) {
  CUDASIM_CALL(cuStreamDestroy_v2, RELEASE);
  auto found = streams.find(stream);
  if (found == nullptr) {
    return CUDA_ERROR_INVALID_HANDLE;
  }
  run_stream(*found);
  streams.remove(stream);
  return context_error;
}

CUDASIM_EXPORT CUresult cuStreamSynchronize(CUstream stream) {
  CUDASIM_CALL(cuStreamSynchronize, CONTEXT);
  auto found = streams.find(stream);
  if (found == nullptr) {
    return stream == nullptr ? CUDA_ERROR_INVALID_VALUE : CUDA_ERROR_INVALID_HANDLE;
  }
  counters.synchronisations++;
  const CUresult code = run_stream(*found);
  trim_pools();
  return code;
}

// Each query executes one item, so that a host that asks again and again gets there.
CUDASIM_EXPORT CUresult cuStreamQuery(CUstream stream) {
  CUDASIM_CALL(cuStreamQuery, CONTEXT);
  auto found = streams.find(stream);
  if (found == nullptr) {
    return stream == nullptr ? CUDA_ERROR_INVALID_VALUE : CUDA_ERROR_INVALID_HANDLE;
  }
  if (found->items.empty()) {
    return CUDA_SUCCESS;
  }
  const CUresult code = run_item(*found);
  return code == CUDA_SUCCESS ? CUDA_ERROR_NOT_READY : code;
}

CUDASIM_EXPORT CUresult cuStreamWaitEvent(CUstream stream, CUevent event, unsigned flags) {
  CUDASIM_CALL(cuStreamWaitEvent, CONTEXT);
  auto waiting = streams.find(stream);
  auto awaited = events.find(event);
  if (waiting == nullptr || flags != 0) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  if (awaited == nullptr) {
    return CUDA_ERROR_INVALID_HANDLE;
  }
  if (is_complete(*awaited) || awaited->stream == waiting) {
    return CUDA_SUCCESS;
  }
  std::shared_ptr<Stream> other = awaited->stream;
  const long position = awaited->position;
  return enqueue(*waiting, [other, position] { return run_until(*other, position); });
}

CUDASIM_EXPORT CUresult cuEventCreate(CUevent* event, unsigned flags) {
  CUDASIM_CALL(cuEventCreate, CONTEXT);
  if (event == nullptr || (flags & ~(CU_EVENT_BLOCKING_SYNC | CU_EVENT_DISABLE_TIMING)) != 0) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  *event = events.add(std::make_shared<Event>());
  return CUDA_SUCCESS;
}

CUDASIM_EXPORT CUresult cuEventDestroy_v2(CUevent event) {
  CUDASIM_CALL(cuEventDestroy_v2, RELEASE);
  return events.remove(event) ? context_error : CUDA_ERROR_INVALID_HANDLE;
}

CUDASIM_EXPORT CUresult cuEventRecord(CUevent event, CUstream stream) {
  CUDASIM_CALL(cuEventRecord, CONTEXT);
  auto recorded = events.find(event);
  auto on = streams.find(stream);
  if (recorded == nullptr) {
    return CUDA_ERROR_INVALID_HANDLE;
  }
  if (on == nullptr) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  recorded->stream = on;
  recorded->position = on->queued;
  return CUDA_SUCCESS;
}

CUDASIM_EXPORT CUresult cuEventSynchronize(CUevent event) {
  CUDASIM_CALL(cuEventSynchronize, CONTEXT);
  auto found = events.find(event);
  if (found == nullptr) {
    return CUDA_ERROR_INVALID_HANDLE;
  }
  counters.synchronisations++;
  const CUresult code = found->stream == nullptr ? CUDA_SUCCESS : run_until(*found->stream, found->position);
  trim_pools();
  return code;
}

CUDASIM_EXPORT CUresult cuEventQuery(CUevent event) {
  CUDASIM_CALL(cuEventQuery, CONTEXT);
  auto found = events.find(event);
  if (found == nullptr) {
    return CUDA_ERROR_INVALID_HANDLE;
  }
  if (is_complete(*found)) {
    return CUDA_SUCCESS;
  }
  const CUresult code = run_item(*found->stream);
  return code == CUDA_SUCCESS ? CUDA_ERROR_NOT_READY : code;
}

// Time here says nothing about a GPU's.
CUDASIM_EXPORT CUresult cuEventElapsedTime(float* milliseconds, CUevent start, CUevent end) {
  CUDASIM_CALL(cuEventElapsedTime, CONTEXT);
  if (milliseconds == nullptr) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  if (events.find(start) == nullptr || events.find(end) == nullptr) {
    return CUDA_ERROR_INVALID_HANDLE;
  }
  *milliseconds = 0;
  return CUDA_SUCCESS;
}
