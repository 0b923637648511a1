// Stacks for threads of a block, and the change from one to another.
#pragma once

namespace cudasim {

struct Fiber;

// The stack of the program that called the device.
Fiber* host_fiber();
Fiber* running_fiber();

// A stack that is not in use; null without memory for one. body runs on it from the start, or goes on
// after leave_to, and never returns. It is the same for all.
Fiber* take_fiber(void (*body)());

// Goes on with that stack, until one goes on with this.
void switch_to(Fiber* next);

// The same, and this stack is not in use any more.
void leave_to(Fiber* next);

// Drops what stacks are in the middle of: none is in use.
void reset_fibers();

}  // namespace cudasim
