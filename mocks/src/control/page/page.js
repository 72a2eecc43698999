"use strict";
(() => {
  const EVERY_MS = 2000;
  const byId = (id) => document.getElementById(id);

  // Whatever comes from the world becomes text, never markup.
  const make = (tag, attributes = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children.map((child) => (child instanceof Node ? child : document.createTextNode(String(child)))));
    return node;
  };

  const time = (text) => (text ? text.replace("T", " ").replace(/\.\d+/, "").replace("Z", " UTC") : "");
  const id = (text) => make("span", { class: "id" }, text ?? "");
  const words = (text, good) => make("span", { class: good ? "good" : "bad" }, text);
  const last = (path) => (path ? path.slice(path.lastIndexOf("/") + 1) : "");
  const may = (one) => {
    if (!one) return "";
    if (one.may) return words("yes", true);
    const when = one.pending ? `; a grant comes into force ${time(one.pending)}` : "";
    return words(`no: ${one.denial}, ${one.why}${when}`, false);
  };

  // A table in its section, built once; its rows only where they have changed, so that focus and selection stay.
  const shown = new Map();
  const table = (section, caption, heads, rows, total) => {
    const text = JSON.stringify(rows.map((row) => row.key));
    const note = total > rows.length ? `The first ${rows.length} of ${total}.` : rows.length ? "" : "None.";
    let there = shown.get(section);
    if (!there) {
      const body = make("tbody");
      const head = make("tr", {}, ...heads.map((name) => make("th", { scope: "col" }, name)));
      const grid = make("table", { "aria-label": caption }, make("thead", {}, head), body);
      const wide = make("div", { class: "wide", role: "region", tabindex: "0", "aria-label": caption }, grid);
      const line = make("p");
      byId(section).append(line, wide);
      there = { body, line, wide, text: null };
      shown.set(section, there);
    }
    there.line.textContent = note;
    there.line.hidden = !note;
    there.wide.hidden = rows.length === 0;
    if (there.text === text) return;
    there.text = text;
    there.body.replaceChildren(
      ...rows.map(({ cells }) =>
        make("tr", {}, ...cells.map((cell, i) => make(i ? "td" : "th", i ? {} : { scope: "row" }, cell))),
      ),
    );
  };
  const row = (key, ...cells) => ({ key, cells });

  const facts = (status) => {
    const { counts, clock } = status;
    const mode = clock.mode === "fast" ? `${clock.factor} times as fast as real time`
      : { real: "as fast as real time", manual: "by hand", tokio: "with tokio's clock" }[clock.mode];
    const all = [
      ["Cloud", status.cloud],
      ["Tenant", id(status.tenant)],
      ["Subscriptions", id(status.subscriptions.join(", "))],
      ["Simulated time", make("span", { id: "now" }, time(status.now))],
      ["The clock runs", mode],
      ["Requests", `${status.requests}, ${status.writes} of them writes`],
      ["Held, and still to land", `${status.held}, ${status.landing}`],
      ["Faults scheduled", status.faults],
      ["Snapshots", status.snapshots],
      ["In the world", `${counts.resources} resources in ${counts.groups} groups, ${counts.principals} principals`],
    ];
    byId("facts").replaceChildren(
      ...all.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))),
    );
  };

  const versions = (vault, key) => key.versions.map((v) => row([vault, key, v],
    key.name, vault.name + (vault.deleted_at ? " (deleted)" : ""), words(key.state, key.state === "active"),
    id(v.version), v.current ? "current" : "", v.enabled ? words("enabled", true) : words("disabled", false),
    time(v.created), time(v.not_before), time(v.expires)));

  const render = (status) => {
    facts(status);
    const { counts } = status;
    table("registries", "Registries",
      ["Registry", "State", "Encryption", "Key", "Version in use", "Identity", "Get", "Wrap", "Unwrap", "Pull"],
      status.registries.map((r) => row(r, r.name, `${r.state}, ${r.sku}`,
        r.encrypted ? "customer-managed key" : "Microsoft's key", id(r.key_identifier), id(r.version_in_use),
        last(r.identity), may(r.get), may(r.wrap_key), may(r.unwrap_key), may(r.pull))),
      counts.registries);
    table("vaults", "Keys and their versions",
      ["Key", "Vault", "State", "Version", "Current", "Enabled", "Made", "Not before", "Expires"],
      status.vaults.flatMap((v) => (v.keys.length ? v.keys.flatMap((key) => versions(v, key))
        : [row(v, "none", v.name + (v.deleted_at ? " (deleted)" : ""), "", "", "", "", "", "", "")])), 0);
    table("access", "Access to keys", ["Who", "What it is", "Key", "Get", "Wrap", "Unwrap"],
      status.access.map((a) => row(a, a.name ?? id(a.principal), a.kind ?? "deleted", `${a.vault}/${a.key}`,
        may(a.get), may(a.wrap_key), may(a.unwrap_key))),
      counts.access);
    table("resources", "Resources by group", ["Group", "Resource", "Type", "Location"],
      status.groups.flatMap((g) => (g.resources.length ? g.resources : [{ name: "none", type: "" }]).map((r) =>
        row([g.id, g.gone_at, r], last(g.id) + (g.gone_at ? ` (gone ${time(g.gone_at)})` : ""), r.name, r.type,
          g.location))), counts.resources);
    table("exchanges", "Last exchanges, newest first", ["Number", "Time", "Method", "Host", "Path", "Status", "Fault"],
      status.exchanges.toReversed().map((e) => row(e, e.n, time(e.at), e.method, e.host, e.path,
        e.status ? words(e.status, e.status < 400) : words("no answer", false), e.fault ?? "")), 0);
  };

  const say = (text) => {
    if (byId("state").textContent !== text) byId("state").textContent = text;
  };

  let paused = false;
  const refresh = async () => {
    if (paused || document.hidden) return;
    try {
      const answer = await fetch("/_sim/status", { cache: "no-store", credentials: "omit" });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      render(await answer.json());
      say("Up to date");
    } catch (error) {
      say(`The simulator does not answer (${error.message})`);
    }
  };

  byId("pause").addEventListener("click", () => {
    paused = !paused;
    byId("pause").setAttribute("aria-pressed", String(paused));
    say(paused ? "Paused" : "Waiting for the simulator");
    refresh();
  });
  document.addEventListener("visibilitychange", refresh);
  // One at a time, however slow the simulator is.
  const loop = async () => {
    await refresh();
    setTimeout(loop, EVERY_MS);
  };
  loop();
})();
