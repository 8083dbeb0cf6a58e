#include "common.h"
#include <spawn.h>

extern char **environ;

static void *exec_now(void *unused) {
  (void)unused;
  char *words[] = {"sh", "-c", "exit 9", NULL};
  execv("/bin/sh", words);
  return NULL;
}

static void *exit_now(void *unused) {
  (void)unused;
  pause_ms(20);
  exit(6);
}

static void *sleep_on(void *unused) {
  (void)unused;
  pause_ms(100000);
  return NULL;
}

static void *end_late(void *unused) {
  (void)unused;
  pause_ms(40);
  return NULL;
}

static void status_of(const char *what, pid_t child) {
  int status = 0;
  int same = waitpid(child, &status, 0) == child;
  if (WIFEXITED(status))
    printf("%s: %d, exit %d\n", what, same, WEXITSTATUS(status));
  else
    printf("%s: %d, signal %d\n", what, same, WTERMSIG(status));
  fflush(stdout);
}

int main(void) {
  int status = 0;
  siginfo_t info;
  say("no child", waitpid(-1, &status, 0));
  say("no child for waitid", waitid(P_ALL, 0, &info, WEXITED));
  pid_t self = getpid();
  printf("first thread %d\n", self == gettid());
  pid_t child = fork();
  if (child == 0) {
    printf("parent %d\n", getppid() == self);
    fflush(stdout);
    _exit(getpid() == gettid() ? 3 : 1);
  }
  status_of("fork", child);
  /* Its own number is the one its parent has got. */
  int pipes[2];
  say("pipe", pipe(pipes));
  child = fork();
  if (child == 0) {
    pid_t mine = getpid();
    _exit(write(pipes[1], &mine, sizeof mine) == sizeof mine ? 0 : 1);
  }
  pid_t told = 0;
  say("told", read(pipes[0], &told, sizeof told));
  printf("same %d\n", told == child);
  status_of("told", child);
  /* Not waiting, and then waiting. */
  child = fork();
  if (child == 0) {
    pause_ms(50);
    _exit(4);
  }
  say("not yet", waitpid(child, &status, WNOHANG));
  memset(&info, 0, sizeof info);
  say("not yet for waitid", waitid(P_PID, child, &info, WEXITED | WNOHANG));
  printf("%d\n", info.si_pid);
  say("waitid", waitid(P_PID, child, &info, WEXITED | WNOWAIT));
  printf("%d %d %d\n", info.si_pid == child, info.si_status, info.si_code == CLD_EXITED);
  status_of("waitpid", child);
  /* In the order in which they end. */
  pid_t children[3];
  for (int i = 0; i < 3; i++) {
    children[i] = fork();
    if (children[i] == 0) {
      pause_ms(150 - 50 * i);
      _exit(i);
    }
  }
  for (int i = 0; i < 3; i++) {
    pid_t which = waitpid(-1, &status, 0);
    printf("%d ended with %d\n", which == children[2 - i], WEXITSTATUS(status));
  }
  fflush(stdout);
  /* Other programs. */
  pid_t spawned = 0;
  char *words[] = {"sh", "-c", "exit 5", NULL};
  printf("spawn %d\n", posix_spawn(&spawned, "/bin/sh", NULL, NULL, words, environ));
  status_of("spawned", spawned);
  printf("no program %s\n", strerrorname_np(posix_spawn(&spawned, "/no/such", NULL, NULL, words, environ)));
  child = vfork();
  if (child == 0) {
    execv("/bin/sh", words);
    _exit(1);
  }
  status_of("vfork", child);
  child = vfork();
  if (child == 0)
    _exit(2);
  status_of("vfork without exec", child);
  say("no such program", execv("/no/such", words));
  /* Threads that end the whole process, or become another program. */
  pthread_t thread;
  child = fork();
  if (child == 0) {
    pthread_create(&thread, NULL, sleep_on, NULL);
    pthread_create(&thread, NULL, exec_now, NULL);
    pause_ms(100000);
  }
  status_of("exec by a thread", child);
  child = fork();
  if (child == 0) {
    pthread_create(&thread, NULL, sleep_on, NULL);
    pthread_create(&thread, NULL, exit_now, NULL);
    pause_ms(100000);
  }
  status_of("exit by a thread", child);
  child = fork();
  if (child == 0) {
    pthread_create(&thread, NULL, sleep_on, NULL);
    pause_ms(20);
    _exit(8);
  }
  status_of("exit by the first thread", child);
  child = fork();
  if (child == 0) {
    pthread_create(&thread, NULL, end_late, NULL);
    pthread_exit(NULL);
  }
  status_of("the first thread ends first", child);
  child = fork();
  if (child == 0) {
    pthread_create(&thread, NULL, sleep_on, NULL);
    pause_ms(20);
    kill(getpid(), SIGKILL);
  }
  status_of("killed by itself", child);
  child = fork();
  if (child == 0) {
    pthread_create(&thread, NULL, sleep_on, NULL);
    pause_ms(20);
    abort();
  }
  status_of("aborted", child);
  /* Nobody waits for it: its parent is gone. */
  child = fork();
  if (child == 0) {
    if (fork() == 0) {
      pause_ms(20);
      _exit(0);
    }
    _exit(0);
  }
  status_of("an orphan's parent", child);
  pause_ms(50);
  /* More than a pipe holds, to a reader that is slow. */
  child = fork();
  if (child == 0) {
    close(pipes[1]);
    char buffer[4096];
    long total = 0, got;
    while ((got = read(pipes[0], buffer, sizeof buffer)) > 0) {
      total += got;
      if (total % (4096 * 16) == 0)
        pause_ms(1);
    }
    _exit(total == 300000 ? 0 : 1);
  }
  close(pipes[0]);
  char *large = calloc(1, 300000);
  for (long sent = 0; sent < 300000;) {
    long part = write(pipes[1], large + sent, 300000 - sent);
    if (part <= 0)
      break;
    sent += part;
  }
  close(pipes[1]);
  status_of("reader", child);
  printf("groups %d %d\n", getpgrp() == getpgid(0), getsid(0) == getsid(self));
  say("threads of one processor", sysconf(_SC_PAGESIZE));
  return 0;
}
