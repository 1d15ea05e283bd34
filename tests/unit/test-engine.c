/* The engine's API, against answers that an engine would not give: names, images, restarts. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include "engine.h"
#include "fd.h"
#include "tap.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static char top[] = "/tmp/t.engine.XXXXXX", path[64];
static struct strv sockets;
static pid_t server = -1;

/* Give each request ANSWER; what was asked is written to TOP/asked. */
static void serve(int listener, const char *answer)
{
	cleanup_free char *log = xasprintf("%s/asked", top);

	for (;;) {
		cleanup_buf struct buf b = { 0 };
		char chunk[4096];
		struct err err;
		cleanup_fd int fd = accept(listener, NULL, NULL);

		while (!b.n || !strstr(b.s, "\r\n\r\n")) {
			ssize_t n = recv(fd, chunk, sizeof(chunk), 0);

			if (n <= 0)
				break;
			buf_append(&b, chunk, (size_t)n);
		}
		(void)replace_file(log, 0600, buf_str(&b), strcspn(buf_str(&b), "\r"), &err);
		(void)write_all(fd, answer, strlen(answer));
	}
}

static void start(const char *answer)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	if (!path[0]) {
		if (!mkdtemp(top))
			return;
		(void)snprintf(path, sizeof(path), "%s/sock", top);
		strv_push(&sockets, path);
	}
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)unlink(path);
	(void)snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	if (bind(fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0 || listen(fd, 8) < 0)
		printf("# %s: %s\n", path, strerror(errno));
	server = fork();
	if (server == 0)
		serve(fd, answer);
	(void)close(fd);
}

static void stop(void)
{
	(void)kill(server, SIGKILL);
	(void)waitpid(server, NULL, 0);
}

static char *asked(void)
{
	cleanup_free char *log = xasprintf("%s/asked", top);
	struct buf b = { 0 };
	struct err err = ERR_INIT;

	(void)read_file(log, 4096, &b, &err);
	return b.s ? buf_steal(&b) : xstrdup("");
}

static struct host_containers two(void)
{
	struct host_containers c = { .list = xcalloc(2, sizeof(*c.list)), .n = 2 };

	c.list[0] = (struct host_container){ .id = xstrdup(A), .engine = "docker" };
	c.list[1] = (struct host_container){ .id = xstrdup(B), .engine = "docker", .nested = true };
	return c;
}

TEST(names)
{
	struct host_containers c = two();

	start("HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n"
	      "[{\"Id\":\"" A "\",\"Names\":[\"/other/web\",\"/web\"],\"Image\":\"debian:12\",\"ImageID\":\"sha256:1\","
	      "\"Created\":1700000000,\"Labels\":{\"tier\":\"front\",\"empty\":\"\"}},"
	      "{\"Id\":\"" B "\",\"Names\":[\"/inner\"]},{\"Id\":\"cccc\"},7,{}]");
	engine_names(&c, &sockets);
	cleanup_free char *request = asked();
	STREQ(request, "GET /containers/json HTTP/1.0");
	STREQ(c.list[0].name, "web");
	STREQ(c.list[0].image, "debian:12");
	STREQ(c.list[0].image_id, "sha256:1");
	EQ(c.list[0].created, 1700000000);
	OK(containers_labelled(&c.list[0], "tier=front"));
	OK(containers_labelled(&c.list[0], "empty"));
	/* what runs inside of another one is not the host's engine's, whatever id it claims */
	STREQ(c.list[1].name, NULL);
	containers_clear(&c);
	stop();
}

TEST(hostile_names)
{
	struct host_containers c = two();
	cleanup_buf struct buf answer = { 0 };

	buf_puts(&answer,
		 "HTTP/1.1 200 OK\r\n\r\n[{\"Id\":\"" A "\",\"Names\":[\"\",\"/\",5,\"/a\\u0000b\"],\"Image\":\"");
	for (int i = 0; i < ENGINE_TEXT_MAX + 1; i++)
		buf_putc(&answer, 'x');
	buf_puts(&answer, "\",\"ImageID\":7,\"Created\":\"then\",\"Labels\":{\"n\":5");
	for (int i = 0; i < ENGINE_LABELS_MAX + 5; i++)
		buf_printf(&answer, ",\"l%d\":\"\"", i);
	buf_puts(&answer, "}}]");
	start(answer.s);
	engine_names(&c, &sockets);
	STREQ(c.list[0].name, NULL);
	STREQ(c.list[0].image, NULL);
	STREQ(c.list[0].image_id, NULL);
	EQ(c.list[0].created, 0);
	EQ(c.list[0].labels.n, ENGINE_LABELS_MAX);
	containers_clear(&c);
	stop();
}

TEST(bad_answers)
{
	static const char *const answers[] = {
		"",
		"HTTP/1.0 200 OK\r\n\r\n",
		"HTTP/1.0 200 OK\r\n\r\n{}",
		"HTTP/1.0 200 OK\r\n\r\n[",
		"nonsense\r\n\r\n",
		"HTTP/1.0 500 No\r\n\r\n{\"message\":\"broken\"}",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"HTTP/1.0 200 OK\r\nContent-Length: 100\r\n\r\n[]",
	};

	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		struct host_containers c = two();

		start(answers[i]);
		engine_names(&c, &sockets);
		STREQ(c.list[0].name, NULL);
		containers_clear(&c);
		stop();
	}
}

TEST(image)
{
	struct engine_image image;
	struct err err = ERR_INIT;

	start("HTTP/1.0 200 OK\r\n\r\n{\"Id\":\"sha256:1\",\"Created\":\"2023-11-14T22:13:20.123456789Z\","
	      "\"RootFS\":{\"Type\":\"layers\",\"Layers\":[\"sha256:l1\",\"sha256:l2\",3]}}");
	EQ(engine_image(&sockets, "reg:5000/a/b@sha256:1", &image, &err), 0);
	cleanup_free char *request = asked();
	STREQ(request, "GET /images/reg:5000/a/b@sha256:1/json HTTP/1.0");
	EQ(image.created, 1700000000);
	EQ(image.layers.n, 2);
	STREQ(image.layers.v[1], "sha256:l2");
	engine_image_clear(&image);
	stop();
}

TEST(image_names)
{
	static const char *const bad[] = { "", "../containers/x", "/x", "a b", "a\r\nX: y", "a?x", "a/../b" };

	start("HTTP/1.0 200 OK\r\n\r\n{}");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct engine_image image;
		struct err err = ERR_INIT;

		EQ(engine_image(&sockets, bad[i], &image, &err), -1);
		EQ(err.code, CODE_USAGE);
	}
	stop();
}

TEST(no_such_image)
{
	struct engine_image image;
	struct err err = ERR_INIT;

	start("HTTP/1.0 404 Not Found\r\n\r\n{\"message\":\"No such image: \\u001bx\"}");
	EQ(engine_image(&sockets, "x", &image, &err), -1);
	EQ(err.code, CODE_NO_ENGINE);
	STREQ(err.msg, "image 'x': the engine says: No such image: \\x1bx (404)");
	stop();
}

TEST(restart)
{
	struct err err = ERR_INIT;

	start("HTTP/1.0 204 No Content\r\n\r\n");
	EQ(engine_restart(&sockets, A, 7, &err), 0);
	cleanup_free char *request = asked();
	STREQ(request, "POST /containers/" A "/restart?t=7 HTTP/1.0");
	stop();
	start("HTTP/1.0 500 Error\r\n\r\n{\"message\":\"cannot stop\"}");
	EQ(engine_restart(&sockets, A, 7, &err), -1);
	EQ(err.code, CODE_ENGINE_FAILED);
	HAS(err.msg, "cannot stop");
	stop();
	err_clear(&err);
	EQ(engine_restart(&sockets, "runc:web", 7, &err), -1);
	EQ(err.code, CODE_NO_ENGINE);
}

TEST(nobody_there)
{
	struct host_containers c = two();
	struct err err = ERR_INIT;

	EQ(engine_restart(&sockets, A, 7, &err), -1);
	EQ(err.code, CODE_NO_ENGINE);
	engine_names(&c, &sockets);
	STREQ(c.list[0].name, NULL);
	containers_clear(&c);
}

TEST(paths)
{
	struct err err = ERR_INIT;

	STREQ(engine_path("unix:///run/docker.sock", &err), "/run/docker.sock");
	STREQ(engine_path("/run/docker.sock", &err), "/run/docker.sock");
	STREQ(engine_path("tcp://127.0.0.1:2375", &err), NULL);
	EQ(err.code, CODE_USAGE);
}

TEST(clean_up)
{
	cleanup_free char *log = xasprintf("%s/asked", top);

	EQ(unlink(log), 0);
	EQ(unlink(path), 0);
	EQ(rmdir(top), 0);
	strv_clear(&sockets);
}
TAP_MAIN
