#define _GNU_SOURCE
#include "CSystem.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

// One machine a thread: a simulation gives its own thread another one.
static __thread void *thread_machine __attribute__((tls_model("initial-exec")));

void *vx_thread_machine(void) { return thread_machine; }
void vx_set_thread_machine(void *machine) { thread_machine = machine; }

struct vx_fiber {
  ucontext_t inside;
  ucontext_t outside;
  void *stack;
  size_t stack_bytes;
  void (*body)(void *);
  void *argument;
  int done;
};

// Arguments of makecontext are ints: the pointer comes in two halves.
static void start(unsigned high, unsigned low) {
  vx_fiber *fiber = (vx_fiber *)((uintptr_t)high << 32 | (uintptr_t)low);
  fiber->body(fiber->argument);
  fiber->done = 1;
}

vx_fiber *vx_fiber_make(size_t stack_bytes, void (*body)(void *), void *argument) {
  vx_fiber *fiber = calloc(1, sizeof *fiber);
  if (!fiber) return NULL;
  // A page below the stack that nobody may touch: too deep a call traps.
  void *stack = mmap(NULL, stack_bytes + 4096, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (stack == MAP_FAILED) {
    free(fiber);
    return NULL;
  }
  mprotect(stack, 4096, PROT_NONE);
  fiber->stack = stack;
  fiber->stack_bytes = stack_bytes + 4096;
  fiber->body = body;
  fiber->argument = argument;
  getcontext(&fiber->inside);
  fiber->inside.uc_stack.ss_sp = (char *)stack + 4096;
  fiber->inside.uc_stack.ss_size = stack_bytes;
  fiber->inside.uc_link = &fiber->outside;
  makecontext(&fiber->inside, (void (*)(void))start, 2, (unsigned)((uintptr_t)fiber >> 32),
              (unsigned)(uintptr_t)fiber);
  return fiber;
}

int vx_fiber_enter(vx_fiber *fiber) {
  swapcontext(&fiber->outside, &fiber->inside);
  return fiber->done;
}

void vx_fiber_leave(vx_fiber *fiber) { swapcontext(&fiber->inside, &fiber->outside); }

void vx_fiber_free(vx_fiber *fiber) {
  munmap(fiber->stack, fiber->stack_bytes);
  free(fiber);
}

static const char *volatile last_words;

static void trapped(int signal_number) {
  const char *text = last_words;
  if (text && write(2, text, strlen(text)) < 0) _exit(128 + signal_number);
  signal(signal_number, SIG_DFL);
  raise(signal_number);
}

void vx_say_on_trap(const char *text) {
  static char spare[1 << 16];
  last_words = text;
  if (!text) return;
  // A stack of its own: the one in use may be what has run out.
  stack_t stack = {.ss_sp = spare, .ss_size = sizeof spare};
  sigaltstack(&stack, NULL);
  struct sigaction action = {0};
  action.sa_handler = trapped;
  action.sa_flags = SA_ONSTACK | SA_NODEFER;
  const int signals[] = {SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGABRT};
  for (size_t at = 0; at < sizeof signals / sizeof *signals; at++) {
    sigaction(signals[at], &action, NULL);
  }
}
