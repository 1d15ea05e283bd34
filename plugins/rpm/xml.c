/* xml.c - see xml.h. */
#include <expat.h>
#include <limits.h>
#include "buf.h"
#include "xml.h"

struct reader {
	XML_Parser xml;
	const struct xml_handler *h;
	struct buf text;
};

const char *xml_attribute(const char **atts, const char *name)
{
	for (; *atts; atts += 2)
		if (streq(atts[0], name))
			return atts[1];
	return NULL;
}

static const char *local_name(const XML_Char *name)
{
	const char *colon = strrchr(name, ':');

	return colon ? colon + 1 : name;
}

static void XMLCALL on_start(void *arg, const XML_Char *name, const XML_Char **atts)
{
	struct reader *r = arg;

	buf_reset(&r->text);
	r->h->start(r->h->ctx, local_name(name), atts);
}

static void XMLCALL on_end(void *arg, const XML_Char *name)
{
	struct reader *r = arg;

	r->h->end(r->h->ctx, local_name(name), buf_str(&r->text));
	buf_reset(&r->text);
}

static void XMLCALL on_text(void *arg, const XML_Char *s, int n)
{
	struct reader *r = arg;

	if (r->text.n + (size_t)n <= XML_TEXT_MAX)
		buf_append(&r->text, s, (size_t)n);
}

/* No repository declares entities; expansion is where XML bombs live. */
static void XMLCALL on_entity(void *arg, const XML_Char *name _unused_, int parameter _unused_,
			      const XML_Char *value _unused_, int length _unused_, const XML_Char *base _unused_,
			      const XML_Char *system_id _unused_, const XML_Char *public_id _unused_,
			      const XML_Char *notation _unused_)
{
	struct reader *r = arg;

	(void)XML_StopParser(r->xml, XML_FALSE);
}

int xml_parse(const char *text, size_t n, const struct xml_handler *h, struct err *err)
{
	struct reader r = { .xml = XML_ParserCreate("UTF-8"), .h = h };
	int ret = 0;

	if (!r.xml)
		out_of_memory();
	XML_SetUserData(r.xml, &r);
	XML_SetElementHandler(r.xml, on_start, on_end);
	XML_SetCharacterDataHandler(r.xml, on_text);
	XML_SetEntityDeclHandler(r.xml, on_entity);
	if (n > INT_MAX || XML_Parse(r.xml, text, (int)n, 1) != XML_STATUS_OK)
		ret = err_set(err, CODE_REFRESH_FAILED, 0, "no XML that can be read: line %lu: %s",
			      (unsigned long)XML_GetCurrentLineNumber(r.xml), XML_ErrorString(XML_GetErrorCode(r.xml)));
	XML_ParserFree(r.xml);
	buf_clear(&r.text);
	return ret;
}
