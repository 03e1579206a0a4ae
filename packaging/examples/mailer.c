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

enum { kLetterBytes = 2048, kLettersPerSecond = 512, kMostLetters = 200000, kTicksPerSecond = 50 };

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

int main(int count, char** arguments) {
  const long seconds = count > 1 ? strtol(arguments[1], NULL, 10) : 600;
  const struct timespec pause = {.tv_sec = 0, .tv_nsec = 1000000000 / kTicksPerSecond};
  const time_t end = time(NULL) + seconds;
  long written = 0;
  if (seconds <= 0) {
    fputs("usage: mailer [SECONDS]\n", stderr);
    return 2;
  }
  while (time(NULL) < end) {
    for (int i = 0; i < kLettersPerSecond / kTicksPerSecond && written < kMostLetters;
         ++i, ++written)
      write_letter();
    nanosleep(&pause, NULL);
  }
  return 0;
}
