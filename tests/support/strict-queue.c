/* strict-queue: a qmail-queue that checks every byte, for benchmarks and tests.
 *
 * The same program as strict_queue_program.py, whose docstring says what it does and which
 * variables it reads; tests/support_tests/test_strict_queue.py holds for both.
 * Sources: qmail-queue(8) and facts 1.1, 1.2.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    ADDRESS_BYTES = 1002, /* qmail-queue counts to 1003 with the closing NUL */
    CHUNK_BYTES = 65536,
    DEATH_SECONDS = 300, /* qmail-queue itself waits a day; a test that hangs is to end */
};
enum {
    ADDRESS_TOO_LONG = 11,
    OUT_OF_MEMORY = 51,
    TIMEOUT = 52,
    WRITE_ERROR = 53,
    READ_ERROR = 54,
    QUEUE_DIRECTORY = 62,
    ENVELOPE_FORMAT = 91,
};

extern char **environ;

struct octets {
    char *start;
    size_t length;
    size_t room;
};

static void too_late(int signal_number)
{
    (void)signal_number;
    _exit(TIMEOUT);
}

static void append(struct octets *octets, const char *start, size_t length)
{
    if (octets->length + length > octets->room) {
        octets->room = 2 * (octets->length + length) + CHUNK_BYTES;
        octets->start = realloc(octets->start, octets->room);
        if (octets->start == NULL)
            _exit(OUT_OF_MEMORY);
    }
    memcpy(octets->start + octets->length, start, length);
    octets->length += length;
}

/* What is open, one `number target` a line, without the listing's own descriptor. */
static struct octets open_descriptors(void)
{
    struct octets lines = {NULL, 0, 0};
    DIR *listing = opendir("/proc/self/fd");
    struct dirent *found;
    while (listing != NULL && (found = readdir(listing)) != NULL) {
        char path[300], target[4096], line[4400];
        if (found->d_name[0] == '.' || atoi(found->d_name) == dirfd(listing))
            continue;
        snprintf(path, sizeof path, "/proc/self/fd/%s", found->d_name);
        ssize_t length = readlink(path, target, sizeof target - 1);
        if (length < 0)
            continue;
        target[length] = 0;
        append(&lines, line, (size_t)snprintf(line, sizeof line, "%s %s\n", found->d_name, target));
    }
    if (listing != NULL)
        closedir(listing);
    return lines;
}

static struct octets environment(void)
{
    struct octets octets = {NULL, 0, 0};
    for (char **variable = environ; *variable != NULL; variable++)
        append(&octets, *variable, strlen(*variable) + 1);
    return octets;
}

static int write_all(int descriptor, const char *start, size_t length)
{
    while (length > 0) {
        ssize_t written = write(descriptor, start, length);
        if (written < 0)
            return WRITE_ERROR;
        start += written;
        length -= (size_t)written;
    }
    return 0;
}

static int write_file(const char *name, struct octets octets, int synced)
{
    int file = open(name, O_WRONLY | O_CREAT | O_EXCL, 0644);
    if (file < 0)
        return WRITE_ERROR;
    int code = write_all(file, octets.start, octets.length);
    if (code == 0 && synced && fsync(file) < 0)
        code = WRITE_ERROR;
    close(file);
    return code;
}

static int receive_message(void)
{
    static char chunk[CHUNK_BYTES];
    const char *text = getenv("STRICT_QUEUE_DIE_AFTER");
    long long die_after = text ? atoll(text) : -1, size_bytes = 0;
    int file = open("message", O_WRONLY | O_CREAT | O_EXCL, 0644);
    if (file < 0)
        return WRITE_ERROR;
    for (;;) {
        if (die_after >= 0 && die_after <= size_bytes)
            kill(getpid(), SIGKILL);
        ssize_t length = read(0, chunk, sizeof chunk);
        if (length < 0)
            return READ_ERROR;
        if (length == 0)
            break;
        size_bytes += length;
        if (write_all(file, chunk, (size_t)length) != 0)
            return WRITE_ERROR;
    }
    int code = fsync(file) < 0 ? WRITE_ERROR : 0;
    close(file);
    return code;
}

static int read_envelope(struct octets *envelope)
{
    static char chunk[CHUNK_BYTES];
    ssize_t length;
    while ((length = read(1, chunk, sizeof chunk)) > 0)
        append(envelope, chunk, (size_t)length);
    return length < 0 ? READ_ERROR : 0;
}

/* Walks through the envelope as qmail-queue does. */
static int check_envelope(struct octets envelope)
{
    size_t place = 0;
    long addresses = 0;
    while (addresses == 0 || place == envelope.length || envelope.start[place] != 0) {
        if (place == envelope.length)
            return READ_ERROR;
        if (envelope.start[place] != (addresses ? 'T' : 'F'))
            return ENVELOPE_FORMAT;
        size_t rest = envelope.length - place - 1;
        size_t searched = rest < ADDRESS_BYTES + 1 ? rest : ADDRESS_BYTES + 1;
        char *end = memchr(envelope.start + place + 1, 0, searched);
        if (end == NULL)
            return rest <= ADDRESS_BYTES ? READ_ERROR : ADDRESS_TOO_LONG;
        place = (size_t)(end - envelope.start) + 1;
        addresses++;
    }
    return place + 1 == envelope.length && addresses > 1 ? 0 : ENVELOPE_FORMAT;
}

static int receive(struct octets descriptors)
{
    struct octets envelope = {NULL, 0, 0};
    int code = receive_message();
    if (code == 0)
        code = read_envelope(&envelope);
    if (code == 0)
        code = write_file("envelope", envelope, 1);
    if (code == 0)
        code = write_file("environment", environment(), 0);
    if (code == 0)
        code = write_file("descriptors", descriptors, 0);
    return code == 0 ? check_envelope(envelope) : code;
}

int main(void)
{
    char entry[64], unfinished[80], finished[80];
    struct timespec now;
    signal(SIGALRM, too_late);
    alarm(DEATH_SECONDS);
    struct octets descriptors = open_descriptors();
    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(entry, sizeof entry, "%lld%09ld.%ld", (long long)now.tv_sec, now.tv_nsec,
             (long)getpid());
    snprintf(unfinished, sizeof unfinished, "tmp/%s", entry);
    const char *queue = getenv("STRICT_QUEUE_DIR");
    if (queue == NULL || chdir(queue) < 0 || mkdir(unfinished, 0755) < 0 || chdir(unfinished) < 0)
        return QUEUE_DIRECTORY;
    snprintf(unfinished, sizeof unfinished, "../../tmp/%s", entry);
    snprintf(finished, sizeof finished, "../../new/%s", entry);

    int code = receive(descriptors);
    if (code == 0 && getenv("STRICT_QUEUE_EXIT") == NULL)
        return rename(unfinished, finished) < 0 ? WRITE_ERROR : 0;
    if (code == 0)
        code = atoi(getenv("STRICT_QUEUE_EXIT"));
    unlink("message");
    unlink("envelope");
    unlink("environment");
    unlink("descriptors");
    rmdir(unfinished);
    return code;
}
