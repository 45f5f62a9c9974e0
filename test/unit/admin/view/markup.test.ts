import assert from "node:assert/strict";
import { test } from "node:test";
import { el, toHtml } from "../../../../src/admin/view/markup.ts";
import { hostileTexts } from "../../../support/hostile-texts.ts";

test("texts and values of attributes are escaped", () => {
  const html = toHtml(el("p", { title: `"><b>'&` }, `<i>"&'</i>`));
  assert.equal(html, '<p title="&quot;&gt;&lt;b&gt;&#39;&amp;">&lt;i&gt;&quot;&amp;&#39;&lt;/i&gt;</p>');
});

test("no hostile text makes a tag, ends an attribute, or hides itself", () => {
  for (const text of hostileTexts) {
    const html = toHtml(el("p", { title: text }, text));
    const [, title = "", content = ""] = /^<p title="([^"]*)">([^<]*)<\/p>$/su.exec(html) ?? assert.fail(html);
    assert.equal(title, content);
    assert.doesNotMatch(content, /[<>"'\p{Cc}\p{Bidi_C}\u2028]/u);
  }
});

test("lists within content are content, and undefined is nothing", () => {
  assert.equal(
    toHtml(el("p", { class: undefined, id: "a" }, ["a", [1, undefined]], el("b", {}))),
    '<p id="a">a1<b></b></p>',
  );
});

test("elements that have no end tag have none", () => {
  assert.equal(toHtml(el("meta", { charset: "utf-8" })), '<meta charset="utf-8">');
});

test("a tag or an attribute whose name is none is refused", () => {
  for (const wrong of [el("b onload", {}), el("b", { 'a="b': "" }), el("", {})]) {
    assert.throws(() => toHtml(wrong), /is no name of HTML/);
  }
});
