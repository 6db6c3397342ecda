#include "trace_events.h"

/* In pieces: ISO C promises 4095 bytes of a string literal. */
const char *const trace_page_style[] = {
    ":root{color-scheme:light dark;--ink:#1b2330;--soft:#5b6675;--paper:#f6f7f9;--card:#fff;--line:#d8dde5;",
    "--accent:#2457c5;--good:#1a7f4b;--bad:#b3261e;--warn:#8a5a00;--code:#f0f2f6}",
    "@media(prefers-color-scheme:dark){:root{--ink:#e6e9ef;--soft:#9aa5b5;--paper:#14181f;--card:#1c222c;--"
    "line:#333c4a;",
    "--accent:#82a9ff;--good:#63cf98;--bad:#ff8f85;--warn:#f0bd5b;--code:#11151b}}",
    "*{box-sizing:border-box}",
    "body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,-apple-system,'Segoe "
    "UI',sans-serif}",
    "main{max-width:72rem;margin:0 auto;padding:2rem 1.25rem 4rem}",
    "h1{font-size:clamp(1.5rem,4vw,2.1rem);line-height:1.2;margin:.1em 0 .5em;letter-spacing:-.01em}",
    "h2{font-size:1.05rem;margin:0 0 .6rem}",
    "small,.quiet,.eyebrow{color:var(--soft);font-weight:400}",
    ".eyebrow{margin:0;font-size:.85rem}",
    ".verdict{border-left:4px solid var(--soft);background:var(--card);padding:.7rem 1rem;border-radius:0 "
    ".5rem .5rem 0;",
    "margin:0 0 1.5rem}",
    ".verdict.good{border-color:var(--good)}.verdict.bad{border-color:var(--bad)}",
    ".cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,24rem),1fr));gap:1rem;margin-"
    "bottom:2.2rem}",
    ".cards section:first-child{grid-column:1/-1}",
    ".cards section{background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:1rem "
    "1.1rem;min-width:0}",
    "dl{margin:0;display:grid;grid-template-columns:minmax(6.5rem,max-content) 1fr;gap:.25rem "
    ".9rem;font-size:.9rem}",
    "dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}",
    ".heads{display:grid;grid-template-columns:repeat(var(--lanes),1fr);position:sticky;top:0;z-index:1;"
    "background:var(-"
    "-paper);",
    "padding:.5rem 0;font-size:.85rem;font-weight:600;text-align:center}",
    ".heads span{justify-self:center;background:var(--card);border:1px solid var(--line);border-radius:2rem;",
    "padding:.2rem .8rem;white-space:nowrap}",
    ".sequence{list-style:none;margin:0;padding:0 0 1rem;",
    "background-image:linear-gradient(to right,transparent calc(50% - .5px),var(--line) calc(50% - .5px),",
    "var(--line) calc(50% + .5px),transparent calc(50% + .5px));background-size:calc(100%/var(--lanes)) "
    "100%}",
    ".step h3{font-size:.95rem;margin:0;padding:1.5rem 0 .2rem}",
    ".step h3,.note p,.label{width:fit-content;max-width:100%}",
    ".step h3{background:var(--paper);padding-right:.8rem}",
    ".lanes{display:grid;grid-template-columns:repeat(var(--columns),minmax(0,1fr));padding-top:.5rem}",
    ".label{margin:0;padding:.1rem .4rem .1rem "
    ".6rem;font-size:.92rem;background:var(--paper);overflow-wrap:anywhere}",
    ".label.answer{padding-top:.3rem}",
    ".tpm .label{justify-self:start;padding-left:0}",
    ".ends{display:none}",
    ".method{font-size:.75rem;letter-spacing:.04em;color:var(--soft)}",
    ".address{color:var(--soft);font-size:.85rem}",
    ".why{font-size:.88rem}",
    ".chip{display:inline-block;border:1px solid currentColor;border-radius:2rem;padding:0 "
    ".55rem;font-size:.8rem;",
    "font-weight:600}.chip.good{color:var(--good)}.chip.bad{color:var(--bad)}.chip.warn{color:var(--warn)}",
    ".arrow{height:0;border-top:2px solid var(--accent);position:relative;margin:.2rem 0 .35rem}",
    ".arrow.reply{border-top-style:dashed;border-color:var(--soft)}",
    ".arrow::after{content:'';position:absolute;top:-6px;border:5px solid transparent}",
    ".arrow.right::after{right:0;border-left-color:var(--accent);border-right:0}",
    ".arrow.left::after{left:0;border-right-color:var(--accent);border-left:0}",
    ".arrow.reply::after{border-right-color:var(--soft)}",
    ".messages{display:flex;flex-direction:column;gap:.35rem;padding:.2rem 0 .9rem;margin-left:calc(100%/4 + "
    ".6rem)}",
    "details{background:var(--card);border:1px solid var(--line);border-radius:.5rem;min-width:0}",
    "summary{cursor:pointer;padding:.3rem .7rem;font-size:.88rem;border-radius:.5rem}",
    "summary:focus-visible,pre:focus-visible{outline:3px solid var(--accent);outline-offset:2px}",
    "pre{margin:0;padding:.8rem;background:var(--code);border-top:1px solid var(--line);border-radius:0 0 "
    ".5rem .5rem;",
    "overflow:auto;max-height:32rem;font:12.5px/1.5 ui-monospace,'SF Mono',Consolas,'Liberation "
    "Mono',monospace}",
    "pre i{font-style:normal;color:var(--accent)}",
    ".note p{margin:.35rem 0 .35rem calc(100%/4 + .6rem);max-width:calc(75% - "
    ".6rem);font-size:.88rem;padding:.15rem .6rem;",
    "background:var(--paper);border-left:3px solid var(--line);overflow-wrap:anywhere}",
    ".note.warn p{border-color:var(--warn)}.note.bad p{border-color:var(--bad)}",
    ".note.warn b{color:var(--warn)}.note.bad b{color:var(--bad)}",
    "footer{color:var(--soft);font-size:.85rem;border-top:1px solid var(--line);margin-top:1rem}",
    "@media(max-width:46rem){main{padding:1.2rem .9rem 3rem}.heads{display:none}.sequence{background:none}",
    ".lanes{display:block}.arrow{display:none}.label{width:auto;background:none;padding:.1rem 0}",
    ".ends{display:block;color:var(--accent);font-size:.8rem;font-weight:600}",
    ".exchange{background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:.35rem .8rem "
    ".5rem;",
    "margin:.5rem 0}.exchange .lanes{padding-top:.2rem}",
    ".messages{margin-left:0;padding:.4rem 0 .2rem}details{background:var(--paper)}",
    ".note "
    "p{margin-left:0;max-width:100%;background:none}dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:."
    "4rem}",
    "pre{max-height:24rem;font-size:11.5px}}",
    "@media print{:root{--paper:#fff;--card:#fff;--ink:#000;--soft:#444;--line:#bbb;--code:#fff}",
    "body{font-size:10pt}main{max-width:none;padding:0}.heads{position:static}",
    "details::details-content{content-visibility:visible;display:block;height:auto}",
    "pre{max-height:none;overflow:visible;white-space:pre-wrap;overflow-wrap:anywhere;font-size:7.5pt}",
    ".exchange,.cards section{break-inside:auto}.step h3,.label{break-after:avoid}}",
    NULL,
};
