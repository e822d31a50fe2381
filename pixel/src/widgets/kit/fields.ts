// The look of the fields, behind the frame's own rules.

export const FIELDS = `
.field{margin:12px 0 0;min-width:0}
legend,.field>label{display:block;padding:0;margin:0 0 6px;font-weight:600;unicode-bidi:plaintext}
small,.ends{color:var(--soft);font-size:14px}
.ends{display:flex;justify-content:space-between;gap:16px;margin-top:4px}
select,textarea{font:inherit;color:inherit;border-radius:calc(var(--r)/2)}
input[type=text],input[type=tel],input[type=email],select,textarea{display:block;width:100%;min-height:44px;padding:8px 12px;border:1px solid var(--line);background:var(--bg)}
textarea{min-height:92px;resize:vertical}
[aria-invalid]{border-color:var(--bad);border-width:2px}
.scale{display:grid;grid-auto-flow:column;grid-auto-columns:1fr;gap:4px}
.scale label{position:relative}
.scale input{position:absolute;inset:0;width:100%;height:100%;opacity:0;cursor:pointer}
.scale span{display:grid;place-items:center;min-height:44px;border:1px solid var(--line);border-radius:calc(var(--r)/2)}
.scale :checked+span{background:var(--a);color:var(--on);box-shadow:0 0 0 2px var(--ink);font-weight:700}
.scale :focus-visible+span{outline:3px solid var(--ink);outline-offset:2px}
.bad{color:var(--bad);font-weight:600}
.bad:empty{display:none}
@media (max-width:479px){.long{grid-auto-flow:row;grid-template-columns:repeat(6,1fr)}}
@media (forced-colors:active){.scale :checked+span{outline:3px solid Highlight}}`;
