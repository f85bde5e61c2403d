/* SPDX-License-Identifier: MIT */
/*
 * list-vms: the textbook client of the management API, in one file: log in, ask for all VMs, print
 * name, power state and memory of each, log out.
 *
 *     list-vms USER [PORT]                through 127.0.0.1; asks for the password
 *     list-vms /run/bonsai/xapid.sock     through the unix socket, as root, who needs no password
 *
 *     cc -o list-vms list-vms.c $(xml2-config --cflags --libs)
 *
 * A call is an XML document sent by HTTP POST to /RPC2, and its answer another one: a struct whose
 * member Status is Success or Failure, and whose other member is Value, or ErrorDescription, an
 * array of a code and words. Nearly every call takes the session as its first parameter. XML is
 * libxml2's business; HTTP/1.0 is short enough to be written out here.
 */
#include <arpa/inet.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char *socket_path; /* NULL: TCP */
static int port_number = 9363;

static void die(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

static FILE *open_connection(void)
{
    struct sockaddr_in port = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port_number)};
    struct sockaddr_un path = {.sun_family = AF_UNIX};
    int fd = socket(socket_path ? AF_UNIX : AF_INET, SOCK_STREAM, 0), status;
    FILE *f;

    if (fd < 0)
        die("socket");
    if (socket_path) {
        snprintf(path.sun_path, sizeof(path.sun_path), "%s", socket_path);
        status = connect(fd, (struct sockaddr *)&path, sizeof(path));
    } else {
        port.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        status = connect(fd, (struct sockaddr *)&port, sizeof(port));
    }
    if (status)
        die(socket_path ? socket_path : "127.0.0.1");
    f = fdopen(fd, "r+");
    if (!f)
        die("fdopen");
    return f;
}

/* Sends the document, returns the one that comes back. */
static xmlDoc *post(xmlDoc *request)
{
    static char answer[1 << 20]; /* enough for some thousand VMs' names */
    FILE *f = open_connection();
    xmlChar *text;
    xmlDoc *doc;
    char *body;
    int length;

    xmlDocDumpMemory(request, &text, &length);
    fprintf(f, "POST /RPC2 HTTP/1.0\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n%s",
            length, (char *)text);
    fflush(f);
    xmlFree(text);
    length = (int)fread(answer, 1, sizeof(answer) - 1, f); /* HTTP/1.0: up to the end */
    fclose(f);
    answer[length] = '\0';
    body = strstr(answer, "\r\n\r\n"); /* the head ends with an empty line */
    doc = body ? xmlReadMemory(body + 4, (int)strlen(body + 4), "answer", NULL, XML_PARSE_NONET)
               : NULL;
    if (!doc) {
        fprintf(stderr, "the server does not answer in XML: %.80s\n", answer);
        exit(EXIT_FAILURE);
    }
    return doc;
}

/* The first child of that name. */
static xmlNode *child(xmlNode *node, const char *name)
{
    for (node = node ? node->children : NULL; node; node = node->next)
        if (!strcmp((const char *)node->name, name))
            return node;
    return NULL;
}

/* The value of a struct's member. */
static xmlNode *member(xmlNode *value, const char *name)
{
    xmlNode *structure = child(value, "struct");

    for (xmlNode *m = structure ? structure->children : NULL; m; m = m->next) {
        xmlChar *text = xmlNodeGetContent(child(m, "name"));
        int found = text && !strcmp((char *)text, name);

        xmlFree(text);
        if (found)
            return child(m, "value");
    }
    return NULL;
}

/* The text of a value, whichever way it is written; the caller frees it. */
static char *text_of(xmlNode *value)
{
    char *text = value ? (char *)xmlNodeGetContent(value) : NULL;

    return text ? text : strdup("");
}

/* Calls a method with these strings, ended by NULL. Returns the answer; *result is its Value. */
static xmlDoc *call(xmlNode **result, const char *method, const char *const *strings)
{
    xmlDoc *request = xmlNewDoc(BAD_CAST "1.0"), *answer;
    xmlNode *root = xmlNewNode(NULL, BAD_CAST "methodCall"), *params, *value;

    xmlDocSetRootElement(request, root);
    xmlNewTextChild(root, NULL, BAD_CAST "methodName", BAD_CAST method);
    params = xmlNewChild(root, NULL, BAD_CAST "params", NULL);
    for (; *strings; strings++) {
        value = xmlNewChild(xmlNewChild(params, NULL, BAD_CAST "param", NULL), NULL,
                            BAD_CAST "value", NULL);
        xmlNewTextChild(value, NULL, BAD_CAST "string", BAD_CAST * strings);
    }
    answer = post(request);
    xmlFreeDoc(request);

    value = child(child(child(xmlDocGetRootElement(answer), "params"), "param"), "value");
    *result = member(value, "Value");
    if (!*result) { /* Failure, or an XML-RPC fault */
        char *text = text_of(value ? member(value, "ErrorDescription")
                                   : child(xmlDocGetRootElement(answer), "fault"));

        fprintf(stderr, "%s: %s\n", method, text);
        exit(EXIT_FAILURE);
    }
    return answer;
}
#define STRINGS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void print_vm(const char *session, const char *vm)
{
    xmlNode *record;
    xmlDoc *answer = call(&record, "VM.get_record", STRINGS(session, vm));
    char *name = text_of(member(record, "name_label"));
    char *state = text_of(member(record, "power_state"));
    char *bytes = text_of(member(record, "memory_static_max"));

    printf("%-24s %-10s %8lld MiB\n", name, state, atoll(bytes) / (1024 * 1024));
    free(name);
    free(state);
    free(bytes);
    xmlFreeDoc(answer);
}

static void print_all(const char *session)
{
    xmlNode *vms, *list;
    xmlDoc *answer = call(&vms, "VM.get_all", STRINGS(session));

    list = child(child(vms, "array"), "data");
    for (xmlNode *value = list ? list->children : NULL; value; value = value->next) {
        char *vm = text_of(value);

        print_vm(session, vm);
        free(vm);
    }
    xmlFreeDoc(answer);
}

int main(int argc, char **argv)
{
    const char *user = "root", *password = "";
    xmlNode *result;
    xmlDoc *answer;
    char *session;

    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: list-vms USER [PORT] | list-vms SOCKET\n");
        return 2;
    }
    if (argv[1][0] == '/') {
        socket_path = argv[1];
    } else {
        user = argv[1];
        port_number = argc > 2 ? atoi(argv[2]) : port_number;
        password = getpass("Password: ");
    }
    answer = call(&result, "session.login_with_password", STRINGS(user, password));
    session = text_of(result);
    xmlFreeDoc(answer);

    print_all(session);

    xmlFreeDoc(call(&result, "session.logout", STRINGS(session)));
    free(session);
    return EXIT_SUCCESS;
}
