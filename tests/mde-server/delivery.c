#include "delivery.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <microhttpd.h>

#include "server.h"

#define HUGE_SIZE (64ULL * 1024 * 1024)

static atomic_bool stopping;

struct delivery {
    enum reply_delivery kind;
    unsigned seconds;
    struct MHD_Connection *connection;
    char *bytes;
    size_t size;
};

void delivery_stop(void)
{
    atomic_store(&stopping, true);
}

/* Returns false when the server is stopping. */
static bool pause_make(unsigned seconds)
{
    const struct timespec slice = {.tv_nsec = 50 * 1000 * 1000};
    for (unsigned i = 0; i < seconds * 20 && !atomic_load(&stopping); i++)
        (void)nanosleep(&slice, NULL);
    return !atomic_load(&stopping);
}

/* Takes the network connection away under TLS: the client sees its end without close_notify. */
static ssize_t connection_cut(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info)
        (void)shutdown(info->connect_fd, SHUT_RDWR);
    return MHD_CONTENT_READER_END_WITH_ERROR;
}

/* The body from position on, then spaces: XML may end with them. */
static size_t padded_copy(const struct delivery *delivery, uint64_t position, char *buffer, size_t room)
{
    size_t count = 0;
    for (; position < delivery->size && count < room; position++)
        buffer[count++] = delivery->bytes[position];
    memset(buffer + count, ' ', room - count);
    return room;
}

static ssize_t delivery_read(void *context, uint64_t position, char *buffer, size_t room)
{
    const struct delivery *delivery = context;
    switch (delivery->kind) {
    case DELIVERY_DRIP:
        if (!pause_make(delivery->seconds))
            return MHD_CONTENT_READER_END_WITH_ERROR;
        *buffer = delivery->bytes[position];
        return 1;
    case DELIVERY_CUT:
        if (position >= delivery->size / 2)
            return connection_cut(delivery->connection);
        if (room > delivery->size / 2 - position)
            room = delivery->size / 2 - position;
        memcpy(buffer, delivery->bytes + position, room);
        return (ssize_t)room;
    case DELIVERY_HUGE:
    case DELIVERY_ENDLESS:
        if (atomic_load(&stopping))
            return MHD_CONTENT_READER_END_WITH_ERROR;
        return (ssize_t)padded_copy(delivery, position, buffer, room);
    case DELIVERY_WHOLE:
    case DELIVERY_STALL:
        break;
    }
    return MHD_CONTENT_READER_END_WITH_ERROR;
}

static void delivery_free(void *context)
{
    struct delivery *delivery = context;
    free(delivery->bytes);
    free(delivery);
}

static uint64_t delivery_size(const struct reply *reply)
{
    switch (reply->delivery) {
    case DELIVERY_HUGE:
        return HUGE_SIZE;
    case DELIVERY_ENDLESS:
        return MHD_SIZE_UNKNOWN;
    default:
        return reply->body.size;
    }
}

struct MHD_Response *delivery_response_make(struct MHD_Connection *connection, const struct reply *reply)
{
    struct MHD_Response *response = NULL;
    if (reply->delivery == DELIVERY_STALL)
        (void)pause_make(reply->seconds ? reply->seconds : 60);
    if (reply->delivery == DELIVERY_WHOLE || reply->delivery == DELIVERY_STALL || reply->body.size == 0) {
        response = MHD_create_response_from_buffer(reply->body.size, reply->body.data, MHD_RESPMEM_MUST_COPY);
    } else {
        struct delivery *delivery = calloc(1, sizeof *delivery);
        if (!delivery || !(delivery->bytes = malloc(reply->body.size)))
            abort();
        memcpy(delivery->bytes, reply->body.data, reply->body.size);
        delivery->size = reply->body.size;
        delivery->kind = reply->delivery;
        delivery->seconds = reply->seconds ? reply->seconds : 1;
        delivery->connection = connection;
        response = MHD_create_response_from_callback(delivery_size(reply), 16384, delivery_read, delivery,
                                                     delivery_free);
    }
    if (!response)
        abort();
    return response;
}
