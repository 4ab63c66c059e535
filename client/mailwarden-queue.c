/*
 * mailwarden-queue - the program that QMAILQUEUE names
 *
 * What it does: passes descriptors 0 (message) and 1 (envelope) and a closed list of environment
 * variables to the Mailwarden daemon, waits for the verdict, and then either exits with the code
 * that the daemon chose or becomes the real qmail-queue on the two descriptors that came back.
 * The protocol is described in src/mailwarden/wire/gate.py; mailwarden_queue.py is its twin.
 *
 * What it may touch: the daemon's socket, descriptors 0 and 1, and the error descriptor of
 * patched qmails, when that is a pipe.  It reads neither message nor envelope, opens no file but
 * /dev/null and allocates nothing.  Where the daemon wants several copies queued it starts a child
 * for each, one after the other, and waits for it.  It is told by its environment only:
 *     MAILWARDEN_SOCKET       socket paths separated by ':', tried in this order
 *     MAILWARDEN_QMAIL_QUEUE  the real program, unless the command line holds one with arguments
 *     MAILWARDEN_TIMEOUT      seconds to wait for the verdict once the message is complete
 *
 * What it reports: an exit code of qmail-queue(8).  Whatever goes wrong here is temporary, and
 * nothing was queued.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef DEFAULT_SOCKETS
#define DEFAULT_SOCKETS "/run/mailwarden/queue.sock"
#endif
#ifndef DEFAULT_QUEUE
#define DEFAULT_QUEUE "/var/qmail/bin/qmail-queue"
#endif

/* The same as in wire/gate.py; tests/client/test_agreement.py compares them. */
#define MAGIC "MWQ1"
#define PACKET_BYTES 16384
#define VALUE_BYTES 1024
#define TEXT_BYTES 255
#define SILENCE_SECONDS 60

#define TIMEOUT_SECONDS 300
/* A day; an SMTP client waits ten minutes for its answer (RFC 5321 4.5.3.2.6). */
#define TIMEOUT_SECONDS_MAX 86400
/* A daemon whose backlog stays full for so long counts as dead. */
#define CONNECT_SECONDS 10
/* The reader of the error pipe is waiting for us; only a confused one leaves it full. */
#define TELL_SECONDS 2

/* Exit codes of qmail-queue(8). */
#define READ_ERROR 54
#define BAD_CONFIGURATION 55
#define TEMPORARY 71
#define OUR_BUG 81

/* What the daemon hears of a copy that qmail-queue gave no exit code for, as in wire/gate.py. */
#define NOT_STARTED 120
#define CRASHED 81
#define ORPHANED 71

/* An X packet: the letter, code, fallback, descriptor, flag, text. */
#define EXIT_HEAD 5
#define ANSWER_BYTES (EXIT_HEAD + TEXT_BYTES)
#define ARRIVAL_DESCRIPTORS 2
/* What converse() returns when the daemon went away before it read anything. */
#define UNREAD -1

static const char *const VARIABLES[] = {
    "AUTHUSER", "BMC_WHITELIST", "PROTO", "QS_SPAMASSASSIN", "RELAYCLIENT", "SA_ONLYDELETE_HOST",
    "SMTPAUTHMETHOD", "SMTPAUTHUSER", "TCPLOCALHOST", "TCPLOCALIP", "TCPLOCALPORT",
    "TCPREMOTEHOST", "TCPREMOTEINFO", "TCPREMOTEIP", "TCPREMOTEPORT",
};

/* Where patched qmails read a text when ERROR_FD names no other place (verdict/reply.py); 2 is not
 * here, because it is the log of everything else. */
static const int ERROR_DESCRIPTORS[] = {4, 6};

/* How far a conversation is; QUEUED and ANSWERED end it. */
enum stage { ASKED, ACCEPTED, RECEIVED, QUEUED, ANSWERED, CONFUSED };

/* What the daemon may say when, and where that leads; everything else is CONFUSED. */
static const struct {
    enum stage now;
    char letter;
    enum stage next;
} ORDER[] = {
    {ASKED, 'A', ACCEPTED},    {ACCEPTED, 'K', ACCEPTED}, {ACCEPTED, 'R', RECEIVED},
    {RECEIVED, 'K', RECEIVED}, {RECEIVED, 'S', RECEIVED}, {RECEIVED, 'Q', QUEUED},
    {ASKED, 'X', ANSWERED},    {ACCEPTED, 'X', ANSWERED}, {RECEIVED, 'X', ANSWERED},
};

struct settings {
    pid_t parent;
    const char *sockets;
    char *bare_program[2];
    char **program;
    long timeout_seconds;
};

struct request {
    char octets[PACKET_BYTES];
    size_t length;
};

struct answer {
    unsigned char octets[ANSWER_BYTES];
    size_t length;
    int descriptors[ARRIVAL_DESCRIPTORS];
    size_t attached;
    int flags;
};

static int read_settings(struct settings *settings, int argc, char **argv);
static int encode_request(struct request *request);
static int next_address(const char **list, struct sockaddr_un *address);
static int open_gate(const struct sockaddr_un *address, const struct request *request,
                     const struct settings *settings);
static int converse(int gate, const struct settings *settings);

int main(int argc, char **argv)
{
    static struct settings settings;
    static struct request request;
    struct sockaddr_un address;
    int failure;

    settings.parent = getppid();
    if (fcntl(0, F_GETFD) < 0 || fcntl(1, F_GETFD) < 0) return READ_ERROR;
    if ((failure = read_settings(&settings, argc, argv)) != 0) return failure;
    if ((failure = encode_request(&request)) != 0) return failure;

    while (*settings.sockets != '\0') {
        if (!next_address(&settings.sockets, &address)) return BAD_CONFIGURATION;
        const int gate = open_gate(&address, &request, &settings);
        if (gate < 0) continue;
        const int code = converse(gate, &settings);
        if (code != UNREAD) return code;
        close(gate);
    }
    return TEMPORARY;
}

static long long least(long long one, long long other)
{
    return one < other ? one : other;
}

/* The number that `text` is, at most `most`; -1 when it is anything but digits. */
static long parse_number(const char *text, long most)
{
    long number = 0;

    if (*text == '\0') return -1;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9') return -1;
        const int digit = *text - '0';
        number = number > (most - digit) / 10 ? most : number * 10 + digit;
    }
    return number;
}

static const char *variable(const char *name, const char *otherwise)
{
    const char *value = getenv(name);
    return value != NULL ? value : otherwise;
}

/* Fills `settings`; returns 0 or the exit code. */
static int read_settings(struct settings *settings, int argc, char **argv)
{
    const char *timeout = variable("MAILWARDEN_TIMEOUT", NULL);

    settings->sockets = variable("MAILWARDEN_SOCKET", DEFAULT_SOCKETS);
    settings->bare_program[0] = (char *)variable("MAILWARDEN_QMAIL_QUEUE", DEFAULT_QUEUE);
    settings->program = argc > 1 ? argv + 1 : settings->bare_program;
    settings->timeout_seconds =
        timeout == NULL ? TIMEOUT_SECONDS : parse_number(timeout, TIMEOUT_SECONDS_MAX);
    if (settings->timeout_seconds == 0) settings->timeout_seconds = 1;
    if (settings->timeout_seconds < 0) return BAD_CONFIGURATION;
    if (settings->program[0][0] == '\0' || settings->sockets[0] == '\0') return BAD_CONFIGURATION;
    return 0;
}

/* Writes the one packet that the client says; returns 0 or the exit code. */
static int encode_request(struct request *request)
{
    char *end = request->octets;

    memcpy(end, MAGIC, sizeof MAGIC); /* with its NUL */
    end += sizeof MAGIC;
    for (size_t i = 0; i < sizeof VARIABLES / sizeof *VARIABLES; i++) {
        const char *value = getenv(VARIABLES[i]);
        if (value == NULL) continue;
        if (strnlen(value, VALUE_BYTES + 1) > VALUE_BYTES) return TEMPORARY;
        const size_t used = (size_t)(end - request->octets);
        if (used + strlen(VARIABLES[i]) + strlen(value) + sizeof "=" > PACKET_BYTES) return OUR_BUG;
        end = stpcpy(stpcpy(stpcpy(end, VARIABLES[i]), "="), value) + 1;
    }
    request->length = (size_t)(end - request->octets);
    return 0;
}

/* Takes the first path off the list; 0 when it is empty or longer than an address. */
static int next_address(const char **list, struct sockaddr_un *address)
{
    const size_t length = strcspn(*list, ":");

    if (length == 0 || length >= sizeof address->sun_path) return 0;
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, *list, length);
    *list += length + ((*list)[length] == ':');
    return 1;
}

/* Hands over request and descriptors, whole or not at all. */
static int send_request(int gate, const struct request *request)
{
    static const int arrival[ARRIVAL_DESCRIPTORS] = {0, 1};
    union { struct cmsghdr head; char octets[CMSG_SPACE(sizeof arrival)]; } rights;
    struct iovec octets = {(void *)request->octets, request->length};
    struct msghdr packet = {.msg_iov = &octets, .msg_iovlen = 1};
    ssize_t sent;

    memset(&rights, 0, sizeof rights);
    packet.msg_control = &rights;
    packet.msg_controllen = sizeof rights;
    rights.head.cmsg_level = SOL_SOCKET;
    rights.head.cmsg_type = SCM_RIGHTS;
    rights.head.cmsg_len = CMSG_LEN(sizeof arrival);
    memcpy(CMSG_DATA(&rights.head), arrival, sizeof arrival);
    do sent = sendmsg(gate, &packet, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent == (ssize_t)request->length;
}

/* A connection that the request was sent on, or -1: then nobody has the descriptors. */
static int open_gate(const struct sockaddr_un *address, const struct request *request,
                     const struct settings *settings)
{
    const struct timeval patience = {least(settings->timeout_seconds, CONNECT_SECONDS), 0};
    const int gate = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    int failed;

    if (gate < 0) return -1;
    /* On Linux it bounds connect() too, where a full backlog would block. */
    failed = setsockopt(gate, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (!failed)
        do failed = connect(gate, (const struct sockaddr *)address, sizeof *address);
        while (failed && errno == EINTR);
    if (!failed && send_request(gate, request)) return gate;
    close(gate);
    return -1;
}

static long long now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Waits for `event` until `due_ms`; 0 when it did not come. */
static int await(int descriptor, short event, long long due_ms)
{
    struct pollfd wanted = {descriptor, event, 0};
    int ready;

    do {
        const long long left_ms = due_ms - now_ms();
        if (left_ms <= 0) return 0;
        ready = poll(&wanted, 1, (int)left_ms);
    } while (ready < 0 && errno == EINTR);
    return ready > 0;
}

/* Reads one packet; 0 when the connection is closed. */
static int receive(int gate, struct answer *answer)
{
    union { struct cmsghdr head; char octets[CMSG_SPACE(sizeof answer->descriptors)]; } rights;
    struct iovec octets = {answer->octets, sizeof answer->octets};
    struct msghdr packet = {.msg_iov = &octets, .msg_iovlen = 1};
    ssize_t length;

    packet.msg_control = &rights;
    packet.msg_controllen = sizeof rights;
    /* A daemon that closed without reading all from us resets; its last word may be behind that. */
    do length = recvmsg(gate, &packet, MSG_CMSG_CLOEXEC);
    while (length < 0 && (errno == EINTR || errno == ECONNRESET));
    if (length <= 0) return 0;

    const struct cmsghdr *head = CMSG_FIRSTHDR(&packet);
    answer->length = (size_t)length;
    answer->flags = packet.msg_flags;
    answer->attached = 0;
    if (head != NULL && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS) {
        answer->attached = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        if (answer->attached == ARRIVAL_DESCRIPTORS)
            memcpy(answer->descriptors, CMSG_DATA(head), sizeof answer->descriptors);
    }
    return 1;
}

/* Where the answer leads from `now`; CONFUSED when it is not what the protocol says. */
static enum stage follow(enum stage now, const struct answer *answer)
{
    const int letter = answer->octets[0];
    const int is_exit = letter == 'X', is_copy = letter == 'S' || letter == 'Q';

    if (answer->flags & (MSG_TRUNC | MSG_CTRUNC)) return CONFUSED;
    if (is_exit ? answer->length < EXIT_HEAD : answer->length != 1) return CONFUSED;
    if (answer->attached != (is_copy ? ARRIVAL_DESCRIPTORS : 0)) return CONFUSED;
    for (size_t i = 0; i < sizeof ORDER / sizeof *ORDER; i++)
        if (ORDER[i].now == now && ORDER[i].letter == letter) return ORDER[i].next;
    return CONFUSED;
}

/* The SMTP server died: its client will send the message again (facts 1.3). */
static int is_orphan(const struct settings *settings)
{
    return getppid() != settings->parent;
}

static int is_pipe(int descriptor)
{
    struct stat status;

    return fstat(descriptor, &status) == 0 && S_ISFIFO(status.st_mode);
}

/* The descriptor that ERROR_FD names, or -1. */
static int named_error_descriptor(void)
{
    return (int)parse_number(variable("ERROR_FD", ""), INT_MAX);
}

static int put_in_place(const int descriptors[ARRIVAL_DESCRIPTORS])
{
    return dup2(descriptors[0], 0) == 0 && dup2(descriptors[1], 1) == 1;
}

/* Becomes the real queue program; returns only when that failed. */
static void become_queue(const struct settings *settings)
{
    unsetenv("QMAILQUEUE"); /* nothing that it starts may come back to us */
    execv(settings->program[0], settings->program);
}

static int queue(const int descriptors[ARRIVAL_DESCRIPTORS], const struct settings *settings)
{
    if (!is_orphan(settings) && put_in_place(descriptors)) become_queue(settings);
    return TEMPORARY;
}

/* The SMTP server reads a text to its end before it waits for us, so nobody else may hold that
 * pipe. /dev/null takes its place: at a free number a child would have a file of its own, and write
 * its text there. */
static int hide_error_pipes(void)
{
    const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    const int hidden[] = {ERROR_DESCRIPTORS[0], ERROR_DESCRIPTORS[1], named_error_descriptor()};

    if (nowhere < 0) return 0;
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
        if (hidden[i] > 1 && is_pipe(hidden[i]) && dup2(nowhere, hidden[i]) < 0) return 0;
    return 1;
}

/* Has a child queue one copy and waits for it; returns what the daemon is to hear of it. */
static int submit(const int descriptors[ARRIVAL_DESCRIPTORS], const struct settings *settings)
{
    void (*disposition)(int);
    int status = 0;
    pid_t child, ended;

    if (is_orphan(settings)) return ORPHANED;
    /* Where the SMTP server ignored it, the kernel would forget how the child ended. */
    disposition = signal(SIGCHLD, SIG_DFL);
    child = fork();
    if (child == 0) {
        signal(SIGCHLD, disposition);
        if (put_in_place(descriptors) && hide_error_pipes()) become_queue(settings);
        _exit(NOT_STARTED);
    }
    do ended = child < 0 ? 0 : waitpid(child, &status, 0);
    while (ended < 0 && errno == EINTR);
    signal(SIGCHLD, disposition);
    if (child < 0) return NOT_STARTED;
    return ended == child && WIFEXITED(status) ? WEXITSTATUS(status) : CRASHED;
}

/* Does what S asks for and tells the daemon; a daemon that is gone is noticed when it is heard. */
static void submit_copy(int gate, const struct answer *answer, const struct settings *settings)
{
    const int code = submit(answer->descriptors, settings);
    const unsigned char done[] = {'D', (unsigned char)code};
    ssize_t sent;

    for (size_t i = 0; i < answer->attached; i++) close(answer->descriptors[i]);
    do sent = send(gate, done, sizeof done, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
}

/* Tells the SMTP server the answer's text where it wants one; returns the exit code. */
static int answer_exit(const struct answer *answer)
{
    const int code = answer->octets[1], fallback = answer->octets[2];
    const size_t length = answer->length - EXIT_HEAD;
    int descriptor = answer->octets[3];
    ssize_t written;

    if (descriptor == 0) return code;
    if (answer->octets[4] != 0 && named_error_descriptor() >= 0)
        descriptor = named_error_descriptor();
    if (!is_pipe(descriptor)) return fallback;
    signal(SIGPIPE, SIG_IGN); /* from here on we only exit, so no other program inherits it */
    if (!await(descriptor, POLLOUT, now_ms() + TELL_SECONDS * 1000)) return fallback;
    /* Less than PIPE_BUF: written whole or not at all. */
    written = write(descriptor, answer->octets + EXIT_HEAD, length);
    return length > 0 && written == (ssize_t)length ? code : fallback;
}

/* Waits for the verdict and does it; returns the exit code, or UNREAD. */
static int converse(int gate, const struct settings *settings)
{
    const long long timeout_ms = settings->timeout_seconds * 1000LL;
    const long long silence_ms = least(timeout_ms, SILENCE_SECONDS * 1000LL);
    long long verdict_due_ms = LLONG_MAX;
    enum stage stage = ASKED;
    struct answer answer;

    while (stage != QUEUED && stage != ANSWERED) {
        if (!await(gate, POLLIN, least(now_ms() + silence_ms, verdict_due_ms))) return TEMPORARY;
        if (!receive(gate, &answer)) return stage == ASKED ? UNREAD : TEMPORARY;
        const enum stage next = follow(stage, &answer);
        if (next == CONFUSED) return TEMPORARY;
        if (answer.octets[0] == 'S') submit_copy(gate, &answer, settings);
        /* How long qmail-queue takes is between it and the SMTP server. */
        if (next == RECEIVED && answer.octets[0] != 'K') verdict_due_ms = now_ms() + timeout_ms;
        stage = next;
    }
    return stage == QUEUED ? queue(answer.descriptors, settings) : answer_exit(&answer);
}
