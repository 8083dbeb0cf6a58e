#include "common.h"

int main(void) {
  pthread_t thread;
  char buffer[8];
  int pipes[2];
  say("pipe", pipe(pipes));
  /* A handler without and with SA_RESTART. */
  handle(SIGUSR1, 0);
  struct later later = {pthread_self(), SIGUSR1, 30};
  pthread_create(&thread, NULL, send_later, &later);
  say("interrupted", read(pipes[0], buffer, 8));
  pthread_join(thread, NULL);
  handle(SIGUSR1, SA_RESTART);
  pid_t child = fork();
  if (child == 0) {
    pause_ms(30);
    kill(getppid(), SIGUSR1);
    pause_ms(30);
    _exit(write(pipes[1], "abc", 3) == 3 ? 0 : 1);
  }
  caught = 0;
  say("made again", read(pipes[0], buffer, 8));
  printf("caught %d\n", caught == SIGUSR1);
  waitpid(child, NULL, 0);
  /* poll is never made again. */
  pthread_create(&thread, NULL, send_later, &later);
  struct pollfd list = {pipes[0], POLLIN, 0};
  say("poll", poll(&list, 1, 5000));
  pthread_join(thread, NULL);
  int epoll = epoll_create1(0);
  struct epoll_event event;
  pthread_create(&thread, NULL, send_later, &later);
  say("epoll", epoll_wait(epoll, &event, 1, 5000));
  pthread_join(thread, NULL);
  /* Blocked outside, let through by ppoll alone. */
  sigset_t set, old, none;
  sigemptyset(&none);
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &set, &old);
  caught = 0;
  raise(SIGUSR1);
  say("blocked", poll(&list, 1, 20));
  printf("caught %d\n", caught);
  struct timespec t = span(5000 * MS);
  say("ppoll", ppoll(&list, 1, &t, &none));
  printf("caught %d\n", caught == SIGUSR1);
  pthread_create(&thread, NULL, send_later, &later);
  t = span(5000 * MS);
  say("pselect", pselect(0, NULL, NULL, NULL, &t, &none));
  pthread_join(thread, NULL);
  /* Waiting for signals. */
  pthread_create(&thread, NULL, send_later, &later);
  siginfo_t info;
  t = span(5000 * MS);
  say("sigtimedwait", sigtimedwait(&set, &info, &t) == SIGUSR1);
  pthread_join(thread, NULL);
  long long began = now();
  t = span(30 * MS);
  say("nobody sends", sigtimedwait(&set, &info, &t));
  took("nobody sends", began, 30);
  t = span(0);
  say("looks", sigtimedwait(&set, &info, &t));
  pthread_create(&thread, NULL, send_later, &later);
  caught = 0;
  say("sigsuspend", sigsuspend(&none));
  printf("caught %d\n", caught == SIGUSR1);
  pthread_join(thread, NULL);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  pthread_create(&thread, NULL, send_later, &later);
  say("pause", pause());
  pthread_join(thread, NULL);
  /* Alarms and timers. */
  handle(SIGALRM, 0);
  caught = 0;
  began = now();
  struct itimerval timer = {{0, 0}, {0, 40000}}, was;
  say("setitimer", setitimer(ITIMER_REAL, &timer, NULL));
  say("getitimer", getitimer(ITIMER_REAL, &was));
  left("timer", was.it_value.tv_sec * 1000 * MS + was.it_value.tv_usec * 1000LL, 0, 40);
  say("paused", pause());
  took("alarm", began, 40);
  printf("caught %d\n", caught == SIGALRM);
  say("alarm", alarm(100));
  say("alarm again", alarm(0));
  say("none", alarm(0));
  timer = (struct itimerval){{0, 20000}, {0, 20000}};
  setitimer(ITIMER_REAL, &timer, NULL);
  for (int i = 0; i < 3; i++)
    say("interval", pause());
  timer = (struct itimerval){{0, 0}, {0, 0}};
  setitimer(ITIMER_REAL, &timer, NULL);
  timer.it_value.tv_usec = 2000000;
  say("bad timer", setitimer(ITIMER_REAL, &timer, NULL));
  timer_t posix;
  struct sigevent how = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
  how.sigev_value.sival_int = 42;
  say("timer_create", timer_create(CLOCK_MONOTONIC, &how, &posix));
  pthread_sigmask(SIG_BLOCK, &set, &old);
  struct itimerspec value = {{0, 0}, {0, 30 * MS}};
  began = now();
  say("timer_settime", timer_settime(posix, 0, &value, NULL));
  say("sigwaitinfo", sigwaitinfo(&set, &info) == SIGUSR1);
  took("timer", began, 30);
  printf("%d %d\n", info.si_code == SI_TIMER, info.si_value.sival_int);
  value = (struct itimerspec){{0, 20 * MS}, {0, 20 * MS}};
  timer_settime(posix, 0, &value, NULL);
  for (int i = 0; i < 3; i++)
    say("tick", sigwaitinfo(&set, &info) == SIGUSR1);
  say("timer_gettime", timer_gettime(posix, &value));
  left("timer", value.it_value.tv_nsec, 0, 20);
  say("timer_delete", timer_delete(posix));
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  /* To others: stopped, told to go on, killed. */
  child = fork();
  if (child == 0)
    for (;;)
      pause_ms(10);
  pause_ms(20);
  say("stop", kill(child, SIGSTOP));
  pause_ms(20);
  say("still there", waitpid(child, NULL, WNOHANG));
  say("continue", kill(child, SIGCONT));
  say("exists", kill(child, 0));
  say("kill", kill(child, SIGKILL));
  int status = 0;
  say("ended", waitpid(child, &status, 0) == child);
  printf("signal %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
  say("gone", kill(child, 0));
  say("no such signal", kill(getpid(), 999));
  child = fork();
  if (child == 0) {
    setpgid(0, 0);
    if (fork() == 0)
      pause();
    pause();
  }
  pause_ms(30);
  say("group", kill(-child, SIGTERM));
  say("first of the group", waitpid(-child, &status, 0) == child);
  printf("signal %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
  return 0;
}
