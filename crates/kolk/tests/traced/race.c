/* Gives unique ids, but for a race: one thread counts, and another answers with the count, and nothing
   says that the first comes first. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char name[64];
static long count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

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

static void *count_one(void *nothing) {
  pthread_mutex_lock(&lock);
  count++;
  pthread_mutex_unlock(&lock);
  return nothing;
}

static void *answer(void *line) {
  pthread_mutex_lock(&lock);
  long id = count;
  pthread_mutex_unlock(&lock);
  char *src = field(line, "src"), *msg = field(line, "msg_id");
  printf("{\"src\":%s,\"dest\":%s,\"body\":{\"type\":\"generate_ok\",\"id\":%ld,\"in_reply_to\":%s}}\n", name, src, id, msg);
  free(src), free(msg);
  return NULL;
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 1 << 16);
  static char line[1 << 16];
  while (fgets(line, sizeof line, stdin)) {
    if (strstr(line, "\"init\"")) {
      char *own = field(line, "node_id"), *src = field(line, "src"), *id = field(line, "msg_id");
      snprintf(name, sizeof name, "%s", own);
      printf("{\"src\":%s,\"dest\":%s,\"body\":{\"type\":\"init_ok\",\"in_reply_to\":%s}}\n", name, src, id);
      free(own), free(src), free(id);
      continue;
    }
    pthread_t threads[2];
    pthread_create(&threads[0], NULL, count_one, NULL);
    pthread_create(&threads[1], NULL, answer, line);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
  }
  return 0;
}
