/* wrapform.c - the forms of wrap.h: docker, compose, Kubernetes. */
#include "quote.h"
#include "wrap.h"

#define SIGNAL_SETTING "STOPGAP_RESTART_STOP_SIGNAL"

static void words(struct buf *b, const struct strv *l)
{
	for (size_t i = 0; i < l->n; i++) {
		buf_putc(b, ' ');
		quote_shell(b, l->v[i]);
	}
}

void wrap_docker_volume(const struct wrap *w, struct buf *ret)
{
	cleanup_free char *from = xasprintf("%s/.", w->bundle);

	/* a container that is never started: nothing of the image runs, whatever it has or lacks */
	buf_printf(ret, "docker create --name stopgap-copy -v %s:/stopgap ", w->volume);
	quote_shell(ret, w->name);
	buf_puts(ret, " true\ndocker cp ");
	quote_shell(ret, from);
	buf_puts(ret, " stopgap-copy:/stopgap\ndocker rm stopgap-copy\n");
}

void wrap_docker(const struct wrap *w, struct buf *ret)
{
	buf_printf(ret, "docker run -d -v %s:/stopgap:ro", w->volume);
	if (w->as_root)
		buf_puts(ret, " --user 0:0");
	if (w->stop_signal) {
		cleanup_free char *setting = xasprintf(SIGNAL_SETTING "=%s", w->stop_signal);

		buf_puts(ret, " --stop-signal ");
		quote_shell(ret, w->stop_signal);
		buf_puts(ret, " -e ");
		quote_shell(ret, setting);
	}
	buf_puts(ret, " --entrypoint /stopgap/stopgap ");
	quote_shell(ret, w->name);
	words(ret, &w->args);
	buf_putc(ret, '\n');
}

/* ["a", "b"] */
static void list(struct buf *b, const struct strv *l)
{
	buf_putc(b, '[');
	for (size_t i = 0; i < l->n; i++) {
		if (i)
			buf_puts(b, ", ");
		quote_yaml(b, l->v[i], true);
	}
	buf_puts(b, "]\n");
}

void wrap_compose(const struct wrap *w, struct buf *ret)
{
	buf_printf(ret, "services:\n  %s:\n    image: ", w->label);
	quote_yaml(ret, w->name, true);
	buf_puts(ret, "\n    entrypoint: [\"/stopgap/stopgap\"]\n    command: ");
	list(ret, &w->args);
	if (w->as_root)
		buf_puts(ret, "    user: \"0:0\"\n");
	if (w->stop_signal) {
		buf_puts(ret, "    stop_signal: ");
		quote_yaml(ret, w->stop_signal, true);
		buf_puts(ret, "\n    environment:\n      " SIGNAL_SETTING ": ");
		quote_yaml(ret, w->stop_signal, true);
		buf_putc(ret, '\n');
	}
	buf_printf(ret, "    volumes:\n      - \"%s:/stopgap:ro\"\nvolumes:\n  %s:\n    external: true\n", w->volume,
		   w->volume);
}

void wrap_kubernetes(const struct wrap *w, struct buf *ret)
{
	buf_printf(ret, "apiVersion: v1\nkind: Pod\nmetadata:\n  name: %s\nspec:\n", w->label);
	/* the copy is the pod's own; the bundle is on the node */
	buf_puts(ret, "  initContainers:\n    - name: stopgap-copy\n      image: busybox:stable\n"
		      "      command: [\"cp\", \"-a\", \"/from/.\", \"/to/\"]\n"
		      "      volumeMounts:\n        - {name: stopgap-node, mountPath: /from, readOnly: true}\n"
		      "        - {name: stopgap, mountPath: /to}\n");
	buf_printf(ret, "  containers:\n    - name: %s\n      image: ", w->label);
	quote_yaml(ret, w->name, false);
	buf_puts(ret, "\n      command: [\"/stopgap/stopgap\"]\n      args: ");
	list(ret, &w->args);
	if (w->stop_signal) {
		buf_puts(ret, "      env:\n        - name: " SIGNAL_SETTING "\n          value: ");
		quote_yaml(ret, w->stop_signal, true);
		buf_putc(ret, '\n');
	}
	if (w->as_root)
		buf_puts(ret, "      securityContext: {runAsUser: 0, runAsGroup: 0, runAsNonRoot: false}\n");
	buf_puts(ret, "      volumeMounts:\n        - {name: stopgap, mountPath: /stopgap, readOnly: true}\n"
		      "  volumes:\n    - name: stopgap\n      emptyDir: {}\n"
		      "    - name: stopgap-node\n      hostPath:\n        type: Directory\n        path: ");
	quote_yaml(ret, w->bundle, false);
	buf_putc(ret, '\n');
}
