#include "common.h"
#include <sys/ipc.h>
#include <sys/msg.h>

struct note {
  long type;
  char text[8];
};

int main(void) {
  int queue = msgget(IPC_PRIVATE, 0600);
  say("queue", queue >= 0);
  pid_t child = fork();
  struct note note = {1, "hello"};
  if (child == 0) {
    /* It may be interrupted where the kernel would have waited on. */
    ssize_t got;
    while ((got = msgrcv(queue, &note, sizeof note.text, 0, 0)) < 0 && errno == EINTR) {
    }
    _exit(got == 6 ? 0 : 1);
  }
  pause_ms(50);
  say("send", msgsnd(queue, &note, 6, 0));
  int status = 1;
  waitpid(child, &status, 0);
  printf("got %d\n", WEXITSTATUS(status));
  say("remove", msgctl(queue, IPC_RMID, NULL));
  return 0;
}
