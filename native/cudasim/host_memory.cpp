// Host memory whose pages are locked: allocated by the driver, or registered.
#include <sys/mman.h>

#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <map>

#include "device.h"

namespace cudasim {

namespace {

struct Range {
  size_t bytes;
  bool is_registered;  // else allocated here
  bool is_read_only;
};

std::map<uintptr_t, Range> ranges;

bool overlaps(uintptr_t start, size_t bytes) {
  auto after = ranges.lower_bound(start + bytes);
  return after != ranges.begin() && (--after)->first + after->second.bytes > start;
}

size_t whole_pages(size_t bytes) {
  return (bytes + PAGE - 1) / PAGE * PAGE;
}

// Whether the process has all these pages, and may write them if asked.
bool is_mapped(uintptr_t start, size_t bytes, bool writable) {
  FILE* maps = fopen("/proc/self/maps", "r");
  if (maps == nullptr) {
    return true;
  }
  uintptr_t reached = start;
  char line[512];
  while (reached < start + bytes && fgets(line, sizeof(line), maps) != nullptr) {
    uintptr_t from;
    uintptr_t to;
    char rights[5];
    // A line that is longer than the buffer continues in one that does not look like this.
    if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s", &from, &to, rights) == 3 && from <= reached && reached < to &&
        rights[0] == 'r' && (rights[1] == 'w' || !writable)) {
      reached = to;
    }
  }
  fclose(maps);
  return reached >= start + bytes;
}

}  // namespace

HostMemory host_memory(const void* address, size_t bytes) {
  const uintptr_t start = reinterpret_cast<uintptr_t>(address);
  if (start == 0 || start + bytes < start || is_device_address(start) || is_device_address(start + bytes - 1)) {
    return HostMemory::INVALID;
  }
  if (!overlaps(start, bytes)) {
    return HostMemory::PAGEABLE;
  }
  const auto range = --ranges.upper_bound(start + bytes - 1);
  if (range->first > start || start + bytes > range->first + range->second.bytes) {
    return HostMemory::INVALID;
  }
  return range->second.is_read_only ? HostMemory::READ_ONLY : HostMemory::PINNED;
}

long registered_count() {
  long count = 0;
  for (const auto& entry : ranges) {
    count += entry.second.is_registered;
  }
  return count;
}

void abandon_host_memory() {
  counters.abandoned += long(ranges.size());
  for (const auto& entry : ranges) {
    if (!entry.second.is_registered) {
      munmap(reinterpret_cast<void*>(entry.first), whole_pages(entry.second.bytes));
    }
  }
  ranges.clear();
}

}  // namespace cudasim

using namespace cudasim;

CUDASIM_EXPORT CUresult cuMemHostAlloc(void** address, size_t bytes, unsigned flags) {
  CUDASIM_CALL(cuMemHostAlloc, CONTEXT);
  if (address == nullptr || bytes == 0 || (flags & ~CU_MEMHOSTALLOC_PORTABLE) != 0) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  void* memory = mmap(nullptr, whole_pages(bytes), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    return CUDA_ERROR_OUT_OF_MEMORY;
  }
  memset(memory, 0xff, bytes);
  ranges[reinterpret_cast<uintptr_t>(memory)] = {bytes, false, false};
  *address = memory;
  return CUDA_SUCCESS;
}

// Waits for all work first, as the driver does.
CUDASIM_EXPORT CUresult cuMemFreeHost(void* address) {
  CUDASIM_CALL(cuMemFreeHost, RELEASE);
  auto found = ranges.find(reinterpret_cast<uintptr_t>(address));
  if (found == ranges.end() || found->second.is_registered) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  run_all_streams();
  munmap(address, whole_pages(found->second.bytes));
  ranges.erase(found);
  return context_error;
}

CUDASIM_EXPORT CUresult cuMemHostRegister_v2(void* address, size_t bytes, unsigned flags) {
  CUDASIM_CALL(cuMemHostRegister_v2, CONTEXT);
  const uintptr_t start = reinterpret_cast<uintptr_t>(address);
  const bool read_only = (flags & CU_MEMHOSTREGISTER_READ_ONLY) != 0;
  if (start == 0 || bytes == 0 || start + bytes < start || is_device_address(start) ||
      (flags & ~(CU_MEMHOSTREGISTER_PORTABLE | CU_MEMHOSTREGISTER_READ_ONLY)) != 0) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  if (settings.refuse_register) {
    return CUDA_ERROR_NOT_SUPPORTED;
  }
  if (overlaps(start, bytes)) {
    return CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED;
  }
  if (!is_mapped(start, bytes, !read_only)) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  ranges[start] = {bytes, true, read_only};
  return CUDA_SUCCESS;
}

// Work that uses the memory and is queued still fails when it is executed.
CUDASIM_EXPORT CUresult cuMemHostUnregister(void* address) {
  CUDASIM_CALL(cuMemHostUnregister, RELEASE);
  auto found = ranges.find(reinterpret_cast<uintptr_t>(address));
  if (found == ranges.end() || !found->second.is_registered) {
    return CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED;
  }
  ranges.erase(found);
  return context_error;
}
