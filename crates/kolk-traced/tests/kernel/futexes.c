#include "common.h"

static long futex(uint32_t *word, int op, uint32_t value, const struct timespec *limit, uint32_t *second, uint32_t third) {
  return syscall(SYS_futex, word, op, value, limit, second, third);
}

static uint32_t word, other;

static void *wait_one(void *bits) {
  long result = futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, NULL, NULL, (uint32_t)(uintptr_t)bits);
  return (void *)(result < 0 ? (long)errno : 0L);
}

static void start(pthread_t *threads, int count, uint32_t bits) {
  for (int i = 0; i < count; i++)
    pthread_create(&threads[i], NULL, wait_one, (void *)(uintptr_t)bits);
  pause_ms(50);
}

int main(void) {
  struct timespec t;
  pthread_t threads[4];
  say("other value", futex(&word, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0));
  say("no bits", futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, NULL, NULL, 0));
  say("no word", futex((uint32_t *)8, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0));
  say("odd word", futex((uint32_t *)((char *)&word + 1), FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
  say("odd operation", futex(&word, 77, 1, NULL, NULL, 0));
  t = (struct timespec){0, 1000 * MS};
  say("bad limit", futex(&word, FUTEX_WAIT_PRIVATE, 0, &t, NULL, 0));
  long long began = now();
  t = span(40 * MS);
  say("too long", futex(&word, FUTEX_WAIT_PRIVATE, 0, &t, NULL, 0));
  took("too long", began, 40);
  began = now();
  t = span(began + 30 * MS);
  say("until", futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, &t, NULL, FUTEX_BITSET_MATCH_ANY));
  took("until", began, 30);
  clock_gettime(CLOCK_REALTIME, &t);
  t.tv_sec -= 1;
  say("until the past", futex(&word, FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME, 0, &t, NULL, FUTEX_BITSET_MATCH_ANY));
  say("nobody waits", futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
  start(threads, 3, 1);
  say("others' bits", futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 9, NULL, NULL, 6));
  say("two", futex(&word, FUTEX_WAKE_PRIVATE, 2, NULL, NULL, 0));
  say("the rest", futex(&word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0));
  for (int i = 0; i < 3; i++)
    pthread_join(threads[i], NULL);
  start(threads, 4, 1);
  say("compare", futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)2, &other, 5));
  say("requeue", futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)2, &other, 0));
  say("on the other", futex(&other, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0));
  say("on the first", futex(&word, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0));
  for (int i = 0; i < 4; i++)
    pthread_join(threads[i], NULL);
  start(threads, 2, 1);
  other = 5;
  say("operation", futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &other, FUTEX_OP(FUTEX_OP_ADD, 2, FUTEX_OP_CMP_EQ, 5)));
  printf("word %u\n", other);
  say("the last", futex(&word, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0));
  for (int i = 0; i < 2; i++)
    pthread_join(threads[i], NULL);
  /* Between processes: shared memory without a name, and a file's, at other addresses. */
  char path[] = "/tmp/kolk-futex-XXXXXX";
  int file = mkstemp(path);
  unlink(path);
  say("file", ftruncate(file, 4096));
  uint32_t *shared[2] = {mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0),
                         mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)};
  for (int i = 0; i < 2; i++) {
    pid_t child = fork();
    if (child == 0) {
      uint32_t *mine = i == 0 ? shared[0] : mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
      _exit(futex(mine, FUTEX_WAIT, 0, NULL, NULL, 0) == 0 ? 7 : 1);
    }
    pause_ms(50);
    say("private", futex(shared[i], FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0));
    say("shared", futex(shared[i], FUTEX_WAKE, 9, NULL, NULL, 0));
    int status = 0;
    waitpid(child, &status, 0);
    printf("status %d\n", WEXITSTATUS(status));
  }
  /* A lock that its owner leaves behind. */
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_t *mutex = (pthread_mutex_t *)(shared[0] + 16);
  pthread_mutex_init(mutex, &attributes);
  pid_t child = fork();
  if (child == 0) {
    pthread_mutex_lock(mutex);
    pause_ms(80);
    _exit(0);
  }
  pause_ms(30);
  printf("left behind: %s\n", strerrorname_np(pthread_mutex_lock(mutex)));
  printf("mended: %d\n", pthread_mutex_consistent(mutex));
  printf("unlocked: %d\n", pthread_mutex_unlock(mutex));
  waitpid(child, NULL, 0);
  return 0;
}
