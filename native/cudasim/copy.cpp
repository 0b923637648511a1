// Copies and fills. A copy from pinned host memory reads it when it is executed, and one to pinned host
// memory writes it then. Pageable memory is read at the call, and a copy to it makes the host wait.
#include <cstring>

#include "device.h"

namespace cudasim {

namespace {

// Rows of a copy; one row for a copy without gaps.
struct Rows {
  size_t bytes;
  size_t count;
  size_t from_pitch;
  size_t to_pitch;

  size_t from_span() const { return (count - 1) * from_pitch + bytes; }
  size_t to_span() const { return (count - 1) * to_pitch + bytes; }
};

void copy_rows(unsigned char* to, const unsigned char* from, const Rows& rows) {
  for (size_t row = 0; row < rows.count; row++) {
    memcpy(to + row * rows.to_pitch, from + row * rows.from_pitch, rows.bytes);
  }
}

unsigned char* at(uintptr_t address) {
  return reinterpret_cast<unsigned char*>(address);
}

CUresult not_allocated(uintptr_t address, size_t bytes) {
  return fail_context(CUDA_ERROR_ILLEGAL_ADDRESS, "a copy of %zu bytes uses memory at %p that is not allocated when it "
                      "is executed", bytes, reinterpret_cast<void*>(address));
}

CUresult not_pinned(const void* address) {
  return fail_context(CUDA_ERROR_ILLEGAL_ADDRESS, "host memory at %p was unlocked before the copy that uses it",
                      address);
}

// Rows whose pitches wrap around or are shorter than a row.
bool is_valid(const Rows& rows) {
  const size_t limit = size_t(1) << 62;
  return rows.count == 1 || (rows.from_pitch >= rows.bytes && rows.to_pitch >= rows.bytes &&
                             rows.from_pitch < limit / rows.count && rows.to_pitch < limit / rows.count);
}

CUresult upload(uintptr_t to, const void* from, const Rows& rows, CUstream handle) {
  auto stream = stream_of(handle);
  if (stream == nullptr || !is_valid(rows)) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  const HostMemory host = host_memory(from, rows.from_span());
  if (host == HostMemory::INVALID || !is_allocated(to, rows.to_span(), When::QUEUED)) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  if (host == HostMemory::PAGEABLE) {
    counters.pageable_bytes += long(rows.bytes * rows.count);
    auto staged = std::make_shared<std::vector<unsigned char>>(rows.bytes * rows.count);
    Rows staging = rows;
    staging.to_pitch = rows.bytes;
    copy_rows(staged->data(), static_cast<const unsigned char*>(from), staging);
    Rows rest = rows;
    rest.from_pitch = rows.bytes;
    return enqueue(*stream, [to, staged, rest] {
      if (!is_allocated(to, rest.to_span(), When::EXECUTED)) {
        return not_allocated(to, rest.to_span());
      }
      copy_rows(at(to), staged->data(), rest);
      return CUresult(CUDA_SUCCESS);
    });
  }
  counters.pinned_bytes += long(rows.bytes * rows.count);
  return enqueue(*stream, [to, from, rows] {
    if (!is_allocated(to, rows.to_span(), When::EXECUTED)) {
      return not_allocated(to, rows.to_span());
    }
    const HostMemory still = host_memory(from, rows.from_span());
    if (still != HostMemory::PINNED && still != HostMemory::READ_ONLY) {
      return not_pinned(from);
    }
    copy_rows(at(to), static_cast<const unsigned char*>(from), rows);
    return CUresult(CUDA_SUCCESS);
  });
}

CUresult download(void* to, uintptr_t from, const Rows& rows, CUstream handle) {
  auto stream = stream_of(handle);
  if (stream == nullptr || !is_valid(rows)) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  const HostMemory host = host_memory(to, rows.to_span());
  if (host == HostMemory::INVALID || host == HostMemory::READ_ONLY ||
      !is_allocated(from, rows.from_span(), When::QUEUED)) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  const bool is_pinned = host == HostMemory::PINNED;
  (is_pinned ? counters.pinned_bytes : counters.pageable_bytes) += long(rows.bytes * rows.count);
  const CUresult code = enqueue(*stream, [to, from, rows, host] {
    if (!is_allocated(from, rows.from_span(), When::EXECUTED)) {
      return not_allocated(from, rows.from_span());
    }
    if (host_memory(to, rows.to_span()) != host) {
      return not_pinned(to);
    }
    copy_rows(static_cast<unsigned char*>(to), at(from), rows);
    return CUresult(CUDA_SUCCESS);
  });
  if (is_pinned || code != CUDA_SUCCESS) {
    return code;
  }
  counters.synchronisations++;
  return run_stream(*stream);
}

CUresult copy_on_device(uintptr_t to, uintptr_t from, const Rows& rows, CUstream handle) {
  auto stream = stream_of(handle);
  if (stream == nullptr || !is_valid(rows) || !is_allocated(to, rows.to_span(), When::QUEUED) ||
      !is_allocated(from, rows.from_span(), When::QUEUED)) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  // What overlapping rows become is unspecified. Rows side by side in one matrix do not overlap.
  if (rows.count == 1 && to < from + rows.bytes && from < to + rows.bytes) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  return enqueue(*stream, [to, from, rows] {
    if (!is_allocated(to, rows.to_span(), When::EXECUTED)) {
      return not_allocated(to, rows.to_span());
    }
    if (!is_allocated(from, rows.from_span(), When::EXECUTED)) {
      return not_allocated(from, rows.from_span());
    }
    copy_rows(at(to), at(from), rows);
    return CUresult(CUDA_SUCCESS);
  });
}

Rows one_row(size_t bytes) {
  return {bytes, 1, bytes, bytes};
}

}  // namespace

}  // namespace cudasim

using namespace cudasim;

CUDASIM_EXPORT CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void* from, size_t bytes, CUstream stream) {
  CUDASIM_CALL(cuMemcpyHtoDAsync_v2, CONTEXT);
  return bytes == 0 ? CUDA_SUCCESS : upload(to, from, one_row(bytes), stream);
}

CUDASIM_EXPORT CUresult cuMemcpyDtoHAsync_v2(void* to, CUdeviceptr from, size_t bytes, CUstream stream) {
  CUDASIM_CALL(cuMemcpyDtoHAsync_v2, CONTEXT);
  return bytes == 0 ? CUDA_SUCCESS : download(to, from, one_row(bytes), stream);
}

CUDASIM_EXPORT CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) {
  CUDASIM_CALL(cuMemcpyDtoDAsync_v2, CONTEXT);
  return bytes == 0 ? CUDA_SUCCESS : copy_on_device(to, from, one_row(bytes), stream);
}

// Between host and device, or on the device.
CUDASIM_EXPORT CUresult cuMemcpy2DAsync_v2(const CUDA_MEMCPY2D* copy, CUstream stream) {
  CUDASIM_CALL(cuMemcpy2DAsync_v2, CONTEXT);
  if (copy == nullptr) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  const bool from_host = copy->srcMemoryType == CU_MEMORYTYPE_HOST;
  const bool to_host = copy->dstMemoryType == CU_MEMORYTYPE_HOST;
  if ((!from_host && copy->srcMemoryType != CU_MEMORYTYPE_DEVICE) ||
      (!to_host && copy->dstMemoryType != CU_MEMORYTYPE_DEVICE) || (from_host && to_host)) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  if (copy->WidthInBytes == 0 || copy->Height == 0) {
    return CUDA_SUCCESS;
  }
  const size_t limit = size_t(1) << 31;  // of a pitch, on GPUs
  if (copy->srcPitch >= limit || copy->dstPitch >= limit || copy->srcPitch < copy->srcXInBytes + copy->WidthInBytes ||
      copy->dstPitch < copy->dstXInBytes + copy->WidthInBytes) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  const Rows rows = {copy->WidthInBytes, copy->Height, copy->srcPitch, copy->dstPitch};
  const size_t from_offset = copy->srcY * copy->srcPitch + copy->srcXInBytes;
  const size_t to_offset = copy->dstY * copy->dstPitch + copy->dstXInBytes;
  if (from_host) {
    return upload(copy->dstDevice + to_offset, static_cast<const unsigned char*>(copy->srcHost) + from_offset, rows,
                  stream);
  }
  if (to_host) {
    return download(static_cast<unsigned char*>(copy->dstHost) + to_offset, copy->srcDevice + from_offset, rows,
                    stream);
  }
  return copy_on_device(copy->dstDevice + to_offset, copy->srcDevice + from_offset, rows, stream);
}

CUDASIM_EXPORT CUresult cuMemsetD8Async(CUdeviceptr to, unsigned char value, size_t bytes, CUstream handle) {
  CUDASIM_CALL(cuMemsetD8Async, CONTEXT);
  auto stream = stream_of(handle);
  if (stream == nullptr || (bytes > 0 && !is_allocated(to, bytes, When::QUEUED))) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  if (bytes == 0) {
    return CUDA_SUCCESS;
  }
  return enqueue(*stream, [to, value, bytes] {
    if (!is_allocated(to, bytes, When::EXECUTED)) {
      return not_allocated(to, bytes);
    }
    memset(at(to), value, bytes);
    return CUresult(CUDA_SUCCESS);
  });
}
