// Device memory: allocations from pools, in the order of streams.
//
//   | no access | bytes ... | canary to the page's end | no access | ...
//
// Addresses come from one reserved range and go round it, so that freed memory stays inaccessible for
// long. New memory is filled with 0xFF, NaN in every floating-point type. With AddressSanitizer the
// canary is poisoned too.
#include <sys/mman.h>

#include <cstring>
#include <map>

#include "device.h"

#ifdef CUDASIM_ASAN
#include <sanitizer/asan_interface.h>
#define NO_ASAN __attribute__((no_sanitize("address")))
#else
#define NO_ASAN
#endif

namespace cudasim {

namespace {

constexpr size_t RANGE = size_t(64) << 30;
constexpr unsigned char CANARY = 0xa5;

// What an allocation counts for, and what a pool takes from the device at a time; as on GPUs.
constexpr size_t UNIT = 512;
constexpr size_t POOL_UNIT = size_t(2) << 20;

struct Pool {
  size_t used = 0;
  size_t reserved = 0;
  size_t threshold = 0;
};

struct Allocation {
  std::shared_ptr<Pool> pool;
  size_t bytes;
  bool is_live;     // the work that allocates it was executed
  bool is_freeing;  // the work that frees it was queued
};

Handles<Pool> pools;
std::map<uintptr_t, Allocation> allocations;
uintptr_t range = 0;
uintptr_t cursor = 0;
size_t used_bytes = 0;  // of all pools

size_t rounded(size_t bytes, size_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

// With the page after it.
size_t span(size_t bytes) {
  return rounded(bytes, PAGE) + PAGE;
}

bool reserve_range() {
  if (range == 0) {
    void* memory = mmap(nullptr, RANGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
      return false;
    }
    range = reinterpret_cast<uintptr_t>(memory);
    cursor = range + PAGE;
  }
  return true;
}

// The next gap from where the last search ended; 0 if there is none.
uintptr_t find_gap(size_t bytes) {
  uintptr_t start = cursor;
  for (int pass = 0; pass < 2; pass++) {
    auto next = allocations.lower_bound(start);
    while (start + span(bytes) <= range + RANGE) {
      if (next == allocations.end() || start + span(bytes) <= next->first) {
        cursor = start + span(bytes);
        return start;
      }
      start = next->first + span(next->second.bytes);
      ++next;
    }
    start = range + PAGE;
  }
  return 0;
}

std::map<uintptr_t, Allocation>::iterator find(uintptr_t address) {
  auto after = allocations.upper_bound(address);
  if (after == allocations.begin()) {
    return allocations.end();
  }
  --after;
  return address - after->first <= after->second.bytes ? after : allocations.end();
}

CUresult make_live(uintptr_t base) {
  Allocation& allocation = allocations.at(base);
  void* memory = reinterpret_cast<void*>(base);
  const size_t whole = rounded(allocation.bytes, PAGE);
  if (mprotect(memory, whole, PROT_READ | PROT_WRITE) != 0) {
    return fail_context(CUDA_ERROR_OPERATING_SYSTEM, "%zu bytes of device memory could not be mapped",
                        allocation.bytes);
  }
#ifdef CUDASIM_ASAN
  ASAN_UNPOISON_MEMORY_REGION(memory, whole);
#endif
  unsigned char* end = static_cast<unsigned char*>(memory) + allocation.bytes;
  memset(memory, 0xff, allocation.bytes);
  memset(end, CANARY, whole - allocation.bytes);
#ifdef CUDASIM_ASAN
  ASAN_POISON_MEMORY_REGION(end, whole - allocation.bytes);
#endif
  allocation.is_live = true;
  return CUDA_SUCCESS;
}

// A new mapping in place of the old one: neighbours without pages become one mapping again, of which a
// process may have only so many.
void unmap(uintptr_t base, size_t bytes) {
  mmap(reinterpret_cast<void*>(base), rounded(bytes, PAGE), PROT_NONE,
       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
}

CUresult release(uintptr_t base) {
  auto found = allocations.find(base);
  const bool intact = is_canary_intact(base);
  const size_t bytes = found->second.bytes;
  found->second.pool->used -= rounded(bytes, UNIT);
  used_bytes -= rounded(bytes, UNIT);
  unmap(base, bytes);
  allocations.erase(found);
  if (!intact) {
    return fail_context(CUDA_ERROR_ILLEGAL_ADDRESS, "something wrote after the end of the %zu bytes at %p",
                        bytes, reinterpret_cast<void*>(base));
  }
  return CUDA_SUCCESS;
}

size_t all_reserved() {
  size_t reserved = 0;
  pools.for_each([&](uintptr_t, const Pool& pool) { reserved += pool.reserved; });
  return reserved < settings.memory ? reserved : settings.memory;
}

bool fits(size_t bytes) {
  return bytes <= settings.memory && used_bytes <= settings.memory - bytes;
}

void trim(Pool& pool, size_t keep) {
  const size_t used = rounded(pool.used, POOL_UNIT);
  const size_t kept = keep > used ? keep : used;
  pool.reserved = pool.reserved < kept ? pool.reserved : kept;
}

}  // namespace

bool is_device_address(uintptr_t address) {
  return range != 0 && address >= range && address < range + RANGE;
}

// The end of an allocation is an address of it too: that of a part with no elements.
bool is_allocated(uintptr_t address, size_t bytes, When when) {
  auto found = find(address);
  if (found == allocations.end() || bytes > found->second.bytes - (address - found->first)) {
    return false;
  }
  return when == When::QUEUED ? !found->second.is_freeing : found->second.is_live;
}

NO_ASAN bool is_canary_intact(uintptr_t address) {
  auto found = find(address);
  if (found == allocations.end() || !found->second.is_live) {
    return true;
  }
  const unsigned char* byte = reinterpret_cast<const unsigned char*>(found->first) + found->second.bytes;
  const unsigned char* const end =
      reinterpret_cast<const unsigned char*>(found->first) + rounded(found->second.bytes, PAGE);
  unsigned char differences = 0;
  for (; byte < end; byte++) {
    differences |= *byte ^ CANARY;
  }
  return differences == 0;
}

void trim_pools() {
  pools.for_each([](uintptr_t, Pool& pool) { trim(pool, pool.threshold); });
}

long allocation_count() {
  return long(allocations.size());
}

long allocated_bytes() {
  long bytes = 0;
  for (const auto& entry : allocations) {
    bytes += long(entry.second.bytes);
  }
  return bytes;
}

void abandon_memory() {
  counters.abandoned += long(allocations.size());
  while (!allocations.empty()) {
    release(allocations.begin()->first);
  }
  pools.abandon();
}

}  // namespace cudasim

using namespace cudasim;

CUDASIM_EXPORT CUresult cuMemGetInfo_v2(size_t* free, size_t* total) {
  CUDASIM_CALL(cuMemGetInfo_v2, CONTEXT);
  if (free == nullptr || total == nullptr) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  *free = settings.memory - all_reserved();
  *total = settings.memory;
  return CUDA_SUCCESS;
}

CUDASIM_EXPORT CUresult cuMemPoolCreate(CUmemoryPool* pool, const CUmemPoolProps* properties) {
  CUDASIM_CALL(cuMemPoolCreate, CONTEXT);
  if (pool == nullptr || properties == nullptr || properties->allocType != CU_MEM_ALLOCATION_TYPE_PINNED ||
      properties->handleTypes != CU_MEM_HANDLE_TYPE_NONE || properties->location.type != CU_MEM_LOCATION_TYPE_DEVICE ||
      properties->location.id < 0 || properties->location.id >= settings.devices ||
      properties->win32SecurityAttributes != nullptr || properties->maxSize != 0 ||
      properties->usage != 0) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  for (unsigned char byte : properties->reserved) {
    if (byte != 0) {
      return CUDA_ERROR_INVALID_VALUE;
    }
  }
  if (!reserve_range()) {
    return CUDA_ERROR_OUT_OF_MEMORY;
  }
  *pool = pools.add(std::make_shared<Pool>());
  return CUDA_SUCCESS;
}

// Allocations of the pool stay until they are freed.
CUDASIM_EXPORT CUresult cuMemPoolDestroy(CUmemoryPool pool) {
  CUDASIM_CALL(cuMemPoolDestroy, RELEASE);
  return pools.remove(pool) ? context_error : CUDA_ERROR_INVALID_VALUE;
}

CUDASIM_EXPORT CUresult cuMemPoolSetAttribute(CUmemoryPool pool, int attribute, void* value) {
  CUDASIM_CALL(cuMemPoolSetAttribute, CONTEXT);
  auto found = pools.find(pool);
  if (found == nullptr || value == nullptr || attribute != CU_MEMPOOL_ATTR_RELEASE_THRESHOLD) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  found->threshold = *static_cast<const uint64_t*>(value);
  return CUDA_SUCCESS;
}

CUDASIM_EXPORT CUresult cuMemPoolGetAttribute(CUmemoryPool pool, int attribute, void* value) {
  CUDASIM_CALL(cuMemPoolGetAttribute, CONTEXT);
  auto found = pools.find(pool);
  if (found == nullptr || value == nullptr) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  uint64_t* out = static_cast<uint64_t*>(value);
  switch (attribute) {
    case CU_MEMPOOL_ATTR_RELEASE_THRESHOLD:
      *out = found->threshold;
      return CUDA_SUCCESS;
    case CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT:
      *out = found->reserved;
      return CUDA_SUCCESS;
    case CU_MEMPOOL_ATTR_USED_MEM_CURRENT:
      *out = found->used;
      return CUDA_SUCCESS;
    default:
      return CUDA_ERROR_INVALID_VALUE;
  }
}

CUDASIM_EXPORT CUresult cuMemPoolTrimTo(CUmemoryPool pool, size_t keep) {
  CUDASIM_CALL(cuMemPoolTrimTo, CONTEXT);
  auto found = pools.find(pool);
  if (found == nullptr) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  trim(*found, keep);
  return CUDA_SUCCESS;
}

CUDASIM_EXPORT CUresult cuMemAllocFromPoolAsync(CUdeviceptr* address, size_t bytes, CUmemoryPool pool,
                                                CUstream stream) {
  CUDASIM_CALL(cuMemAllocFromPoolAsync, CONTEXT);
  auto from = pools.find(pool);
  auto on = stream_of(stream);
  if (address == nullptr || bytes == 0 || from == nullptr || on == nullptr) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  if (is_due(settings.allocations_until_failure)) {
    return CUDA_ERROR_OUT_OF_MEMORY;
  }
  if (!fits(bytes)) {
    // What was freed but is queued still counts.
    const CUresult code = run_all_streams();
    if (code != CUDA_SUCCESS) {
      return code;
    }
    if (!fits(bytes)) {
      return CUDA_ERROR_OUT_OF_MEMORY;
    }
  }
  const uintptr_t base = find_gap(bytes);
  if (base == 0) {
    return CUDA_ERROR_OUT_OF_MEMORY;
  }
  allocations[base] = {from, bytes, false, false};
  from->used += rounded(bytes, UNIT);
  used_bytes += rounded(bytes, UNIT);
  const size_t taken = rounded(from->used, POOL_UNIT);
  from->reserved = from->reserved > taken ? from->reserved : taken;
  *address = base;
  return enqueue(*on, [base] { return make_live(base); }, true);
}

CUDASIM_EXPORT CUresult cuMemFreeAsync(CUdeviceptr address, CUstream stream) {
  CUDASIM_CALL(cuMemFreeAsync, RELEASE);
  auto on = stream_of(stream);
  auto found = allocations.find(address);
  if (on == nullptr || found == allocations.end() || found->second.is_freeing) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  found->second.is_freeing = true;
  const uintptr_t base = found->first;
  const CUresult code = enqueue(
      *on,
      [base] {
        if (!allocations.at(base).is_live) {
          return fail_context(CUDA_ERROR_ILLEGAL_ADDRESS,
                              "memory at %p is freed by a stream that does not wait for its allocation",
                              reinterpret_cast<void*>(base));
        }
        return release(base);
      },
      true);
  return code != CUDA_SUCCESS ? code : context_error;
}
