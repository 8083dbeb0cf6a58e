#include "common.h"

/* A descriptor that is not open. It is below 64 because `select` passes over descriptors that do not fit
   into the process's table, which has at least 64 places: with a larger one it may wait for ever. */
#define GONE 60

static int pipes[2];

static void *write_later(void *text) {
  pause_ms(40);
  if (write(pipes[1], text, strlen(text)) < 0)
    perror("write");
  return NULL;
}

static void later(char *text) {
  pthread_t thread;
  pthread_create(&thread, NULL, write_later, text);
  pthread_detach(thread);
}

static void *read_slowly(void *total) {
  static char piece[50000];
  long count, all = 0;
  do {
    pause_ms(3);
    count = read(pipes[0], piece, sizeof piece);
    all += count > 0 ? count : 0;
  } while (count > 0);
  return (void *)all;
}

static void drain(void) {
  char buffer[100];
  say("drained", read(pipes[0], buffer, sizeof buffer));
}

int main(void) {
  close(GONE);
  say("pipe", pipe(pipes));
  struct pollfd list[4] = {{pipes[0], POLLIN, 9}, {-1, POLLIN, 9}, {pipes[1], 0, 9}, {GONE, POLLIN, 9}};
  long long began = now();
  say("poll", poll(list, 3, 30));
  took("poll", began, 30);
  printf("%d %d %d\n", list[0].revents, list[1].revents, list[2].revents);
  say("no such descriptor", poll(list, 4, -1));
  printf("%d %d\n", list[0].revents, list[3].revents);
  say("looks", poll(list, 1, 0));
  later("abc");
  began = now();
  say("becomes ready", poll(list, 1, 5000));
  took("becomes ready", began, 40);
  printf("%d\n", list[0].revents);
  drain();
  struct timespec t = span(20 * MS);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  began = now();
  say("ppoll", ppoll(list, 1, &t, &all));
  took("ppoll", began, 20);
  t = (struct timespec){-1, 0};
  say("ppoll, negative", ppoll(list, 1, &t, NULL));
  say("poll, nothing", poll(NULL, 0, 10));
  say("poll, nowhere", syscall(SYS_poll, 8, 1, 10));
  /* select, with what is left. */
  fd_set read_set, write_set;
  FD_ZERO(&read_set);
  FD_ZERO(&write_set);
  FD_SET(pipes[0], &read_set);
  struct timeval v = {0, 30000};
  say("select", select(pipes[0] + 1, &read_set, NULL, NULL, &v));
  printf("%d; %ld %ld\n", FD_ISSET(pipes[0], &read_set), (long)v.tv_sec, (long)v.tv_usec);
  FD_SET(pipes[0], &read_set);
  FD_SET(pipes[1], &write_set);
  v = (struct timeval){3, 0};
  say("writable", select(pipes[1] + 1, &read_set, &write_set, NULL, &v));
  printf("%d %d\n", FD_ISSET(pipes[0], &read_set), FD_ISSET(pipes[1], &write_set));
  left("select", v.tv_sec * 1000 * MS + v.tv_usec * 1000LL, 1500, 3000);
  later("x");
  FD_SET(pipes[0], &read_set);
  v = (struct timeval){3, 0};
  say("select, later", select(pipes[0] + 1, &read_set, NULL, NULL, &v));
  left("select", v.tv_sec * 1000 * MS + v.tv_usec * 1000LL, 1500, 2960);
  drain();
  FD_ZERO(&read_set);
  FD_SET(GONE, &read_set);
  say("select, no such descriptor", select(GONE + 1, &read_set, NULL, NULL, NULL));
  /* What lies beyond the process's table of descriptors is not looked at: it waits. */
  v = (struct timeval){0, 20000};
  FD_ZERO(&read_set);
  FD_SET(beyond_table(), &read_set);
  began = now();
  say("select, beyond all descriptors", select(FD_SETSIZE, &read_set, NULL, NULL, &v));
  took("select, beyond all descriptors", began, 20);
  t = span(20 * MS);
  say("pselect", pselect(0, NULL, NULL, NULL, &t, &all));
  /* epoll. */
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {EPOLLIN | EPOLLET, {.u32 = 5}}, events[4];
  say("add", epoll_ctl(epoll, EPOLL_CTL_ADD, pipes[0], &event));
  began = now();
  say("epoll", epoll_wait(epoll, events, 4, 25));
  took("epoll", began, 25);
  later("edge");
  say("edge", epoll_wait(epoll, events, 4, 5000));
  printf("%u %u\n", events[0].events, events[0].data.u32);
  say("no edge", epoll_wait(epoll, events, 4, 20));
  drain();
  say("no room", epoll_wait(epoll, events, 0, 20));
  say("no epoll", epoll_wait(pipes[0], events, 4, 20));
  say("epoll_pwait", epoll_pwait(epoll, events, 4, 10, &all));
  t = span(10 * MS);
  say("epoll_pwait2", syscall(SYS_epoll_pwait2, epoll, events, 4, &t, NULL, 0));
  /* Reading. */
  char buffer[8];
  fcntl(pipes[0], F_SETFL, O_NONBLOCK);
  say("does not wait", read(pipes[0], buffer, 8));
  fcntl(pipes[0], F_SETFL, 0);
  later("12345678rest");
  began = now();
  say("waits", read(pipes[0], buffer, 8));
  took("waits", began, 40);
  drain();
  say("closed", close(pipes[1]));
  say("end", read(pipes[0], buffer, 8));
  say("hung up", poll(list, 1, -1));
  printf("%d\n", list[0].revents);
  say("no descriptor", read(GONE, buffer, 8));
  /* A long write to somebody who reads slowly is written whole. */
  say("pipe", pipe(pipes));
  static char much[300000];
  pthread_t reader;
  pthread_create(&reader, NULL, read_slowly, NULL);
  say("writes all", write(pipes[1], much, sizeof much));
  close(pipes[1]);
  void *total;
  pthread_join(reader, &total);
  say("has read", (long)total);
  signal(SIGPIPE, SIG_IGN);
  close(pipes[0]);
  say("pipe", pipe(pipes));
  close(pipes[0]);
  say("nobody reads", write(pipes[1], much, sizeof much));
  int counter = eventfd(3, EFD_SEMAPHORE);
  uint64_t count = 0;
  say("eventfd", read(counter, &count, 8));
  printf("%lu\n", count);
  /* Sockets. */
  int ends[2];
  say("pair", socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
  struct timeval limit = {0, 30000};
  setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  began = now();
  say("recv", recv(ends[0], buffer, 8, 0));
  took("recv", began, 30);
  say("recv at once", recv(ends[0], buffer, 8, MSG_DONTWAIT));
  say("send", send(ends[1], "hello", 5, 0));
  say("peek", recv(ends[0], buffer, 8, MSG_PEEK));
  struct iovec part = {buffer, 3};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  say("recvmsg", recvmsg(ends[0], &message, 0));
  say("shut", shutdown(ends[1], SHUT_WR));
  say("rest", recv(ends[0], buffer, 8, 0));
  say("over", recv(ends[0], buffer, 8, 0));
  return 0;
}
