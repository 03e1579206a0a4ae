/* A plain C program that knows nothing of heapfloor: it sends letters and forgets to free them, 1
 * MiB a second.
 *
 *     heapfloor run -- ./mailer [SECONDS]
 *
 * It ends by itself, and stops growing at 400 MiB. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { kLetterBytes = 2048, kLettersPerSecond = 512, kMostLetters = 200000 };

struct letter {
  struct letter* next;
  char text[kLetterBytes - sizeof(struct letter*)];
};

static struct letter* sent; /* kept for a retry that never comes */

__attribute__((noinline)) static void write_letter(void) {
  struct letter* letter = malloc(sizeof *letter);
  if (letter == NULL) return;
  memset(letter->text, 'x', sizeof letter->text);
  letter->next = sent;
  sent = letter;
}

static double now_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int count, char** arguments) {
  const long seconds = count > 1 ? strtol(arguments[1], NULL, 10) : 600;
  const struct timespec pause = {.tv_sec = 0, .tv_nsec = 20000000};
  const double start = now_seconds();
  long written = 0;
  if (seconds <= 0) {
    fputs("usage: mailer [SECONDS]\n", stderr);
    return 2;
  }
  for (double passed = 0; passed < (double)seconds; passed = now_seconds() - start) {
    const long due = (long)(passed * kLettersPerSecond);
    for (; written < due && written < kMostLetters; ++written) write_letter();
    nanosleep(&pause, NULL);
  }
  return 0;
}
