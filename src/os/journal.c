/* SPDX-License-Identifier: MIT */
/*
 * The sink for journald, by its native protocol: an event is one datagram of fields.
 *
 * A field is "NAME=value\n"; one whose value has lines is "NAME\n", the length in eight bytes,
 * least first, the value, "\n". What is too large for a datagram goes into a sealed file in memory,
 * whose descriptor is sent instead.
 */
#define _GNU_SOURCE
#include "os/log.h"

#include "base/fault.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET    "/run/systemd/journal/socket"
#define FIELD_MAX 64 /* bytes of a field's name, as journald has it */

static void put_field(FILE *out, const char *name, const char *value)
{
    size_t size = strlen(value);
    unsigned char length[8];

    fputs(name, out);
    if (!strchr(value, '\n')) {
        fprintf(out, "=%s\n", value);
        return;
    }
    for (int i = 0; i < 8; i++)
        length[i] = (unsigned char)((uint64_t)size >> (8 * i));
    fputc('\n', out);
    fwrite(length, 1, sizeof length, out);
    fwrite(value, 1, size, out);
    fputc('\n', out);
}

static void put_number(FILE *out, const char *name, int value)
{
    fprintf(out, "%s=%d\n", name, value);
}

/* Names are of capital letters, digits and underscores, and begin with a letter. */
static void put_pair(FILE *out, const struct tr_log_pair *pair)
{
    char name[FIELD_MAX + 1] = "F_";
    size_t n = isalpha((unsigned char)pair->key[0]) ? 0 : 2;

    for (const char *c = pair->key; *c && n < FIELD_MAX; c++, n++)
        name[n] = (char)(isalnum((unsigned char)*c) ? toupper((unsigned char)*c) : '_');
    name[n] = '\0';
    put_field(out, name, pair->value);
}

/* The message with its backtrace; NULL without memory. */
static char *message(const struct tr_log_event *e)
{
    char *text;

    if (tr__fault() ||
        asprintf(&text, *e->backtrace ? "%s\n%s" : "%s%s", e->text, e->backtrace) < 0)
        return NULL;
    return text;
}

static char *fields(const struct tr_log_event *e, size_t *size)
{
    char *text = NULL, *what = message(e);
    FILE *out = tr__fault() ? NULL : open_memstream(&text, size);

    if (!out) {
        free(what);
        return NULL;
    }
    put_field(out, "MESSAGE", what ? what : e->text);
    put_number(out, "PRIORITY", (int)e->level - 1);
    put_field(out, "SYSLOG_IDENTIFIER", program_invocation_short_name);
    if (e->site.file) {
        put_field(out, "CODE_FILE", e->site.file);
        put_number(out, "CODE_LINE", e->site.line);
        put_field(out, "CODE_FUNC", e->site.function);
    }
    if (*e->process)
        put_field(out, "TROUPE_PROCESS", e->process);
    if (*e->name)
        put_field(out, "TROUPE_NAME", e->name);
    for (size_t i = 0; i < e->nmeta; i++)
        put_pair(out, &e->meta[i]);
    fclose(out);
    free(what);
    return text;
}

/* A sealed file in memory with that content; -1 when there is none. */
static int in_memory(const char *text, size_t size)
{
    int fd = tr__fault() ? -1 : memfd_create("journal", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd < 0)
        return -1;
    if (write(fd, text, size) == (ssize_t)size &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) == 0)
        return fd;
    close(fd);
    return -1;
}

static void send_descriptor(int socket, const struct sockaddr_un *to, int fd)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = { 0 };
    struct msghdr message = { .msg_name = (void *)(uintptr_t)to,
                              .msg_namelen = sizeof *to,
                              .msg_control = &control,
                              .msg_controllen = sizeof control.room };
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);

    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(head), &fd, sizeof fd);
    sendmsg(socket, &message, MSG_NOSIGNAL);
}

static void send_fields(const char *path, const char *text, size_t size)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    int fd = tr__fault() ? -1 : socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return;
    snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
    ssize_t n = sendto(fd, text, size, MSG_NOSIGNAL, (const struct sockaddr *)&to, sizeof to);
    if (n < 0 && (errno == EMSGSIZE || errno == ENOBUFS)) {
        int file = in_memory(text, size);
        if (file >= 0) {
            send_descriptor(fd, &to, file);
            close(file);
        }
    }
    close(fd);
}

void tr_sink_journald(const struct tr_log_event *event, void *arg)
{
    size_t size = 0;
    char *text = fields(event, &size);

    if (text)
        send_fields(arg ? arg : SOCKET, text, size);
    free(text);
}
