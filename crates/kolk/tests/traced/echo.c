/* Answers each echo from a thread of its own, after a pause that is drawn. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

static char name[64];

/* The JSON value after a key, copied as it stands. */
static char *field(const char *line, const char *key) {
  char quoted[64];
  snprintf(quoted, sizeof quoted, "\"%s\":", key);
  const char *at = strstr(line, quoted);
  if (!at)
    return strdup("null");
  at += strlen(quoted);
  size_t length = *at == '"' ? strcspn(at + 1, "\"") + 2 : strcspn(at, ",}");
  return strndup(at, length);
}

static void *answer(void *line) {
  unsigned char drawn;
  if (getrandom(&drawn, 1, 0) != 1)
    abort();
  struct timespec pause = {0, drawn * 1000000L};
  nanosleep(&pause, NULL);
  char *src = field(line, "src"), *echo = field(line, "echo"), *id = field(line, "msg_id");
  printf("{\"src\":%s,\"dest\":%s,\"body\":{\"type\":\"echo_ok\",\"echo\":%s,\"in_reply_to\":%s}}\n", name, src, echo, id);
  free(src), free(echo), free(id), free(line);
  return NULL;
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 1 << 16);
  static char line[1 << 16];
  while (fgets(line, sizeof line, stdin)) {
    char *src = field(line, "src"), *id = field(line, "msg_id");
    if (strstr(line, "\"init\"")) {
      char *own = field(line, "node_id");
      snprintf(name, sizeof name, "%s", own);
      printf("{\"src\":%s,\"dest\":%s,\"body\":{\"type\":\"init_ok\",\"in_reply_to\":%s}}\n", name, src, id);
      free(own);
    } else {
      pthread_t thread;
      pthread_create(&thread, NULL, answer, strdup(line));
      pthread_detach(thread);
    }
    free(src), free(id);
  }
  return 0;
}
