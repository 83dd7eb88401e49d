"""How the page looks, and the one thing that it does by itself.

Both are inline; the page's policy allows these two texts alone, by their digests.
"""

STYLE = """
:root{color-scheme:light dark;--page:#fbfaf8;--card:#fff;--ink:#1d1d1f;--soft:#595960;--line:#dcdad5;--accent:#1a5fa0;
--s0:#1a5fa0;--s1:#b04510;--s2:#23703a;--s3:#7a3aa8}
@media (prefers-color-scheme:dark){:root{--page:#16171a;--card:#1f2125;--ink:#e9e8e4;--soft:#a9abb2;--line:#373a40;
--accent:#7cbcf5;--s0:#7cbcf5;--s1:#f49b66;--s2:#79cf90;--s3:#cfa3ee}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",sans-serif;
overflow-wrap:anywhere}
main,header{max-width:66rem;margin:0 auto;padding:0 1rem}
header{padding-top:2rem}
h1{font-size:1.9rem;line-height:1.2;margin:0 0 .3rem}
h2{font-size:1.25rem;margin:0 0 .6rem}
h3{font-size:.95rem;margin:0 0 .3rem}
p{margin:0 0 .8rem;max-width:46rem}
section>:last-child,section p:last-child{margin-bottom:0}
.soft,figcaption{color:var(--soft);font-size:.9rem}
section{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:1.2rem;margin:1rem 0}
.missing{border-left:4px solid var(--s1);padding-left:.8rem}
dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(11rem,1fr));gap:.6rem 1.2rem;margin:1rem 0}
dl div{min-width:0}
dt{color:var(--soft);font-size:.85rem}
dd{margin:0;font-weight:600}
figure{margin:0;min-width:0}
img{display:block;max-width:100%;height:auto;border-radius:6px;background:#fff}
.sheet{width:100%;max-width:40rem}
.strip{width:100%}
.small{image-rendering:pixelated}
.slider{max-width:40rem;margin-top:.8rem}
label{display:flex;justify-content:space-between;font-weight:600}
input[type=range]{width:100%;height:2rem;accent-color:var(--accent)}
.curves{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,19rem),1fr));gap:1.4rem}
svg{display:block;width:100%;height:auto}
svg text{fill:var(--soft);font:12px system-ui,sans-serif}
.grid{stroke:var(--line)}
polyline{fill:none;stroke-width:1.8;stroke-linejoin:round}
.s0{stroke:var(--s0)}.s1{stroke:var(--s1);stroke-dasharray:7 3}.s2{stroke:var(--s2);stroke-dasharray:2 2}
.s3{stroke:var(--s3);stroke-dasharray:9 2 2 2}
.legend{list-style:none;margin:.2rem 0 0;padding:0;display:flex;flex-wrap:wrap;gap:.1rem 1rem;font-size:.88rem}
.legend svg{display:inline;width:30px;height:8px;margin-right:.4rem;vertical-align:middle}
.pairs{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,8.6rem),1fr));gap:1rem;margin-bottom:1rem}
.pair{display:flex;gap:4px}
.pair img{width:calc(50% - 2px);border:1px solid var(--line)}
.scrolls{overflow-x:auto;margin-bottom:.8rem}
details table{font-size:.88rem}
table{border-collapse:collapse;font-size:.92rem;overflow-wrap:normal}
th,td{text-align:left;padding:.3rem 1rem .3rem 0;border-bottom:1px solid var(--line);vertical-align:top;font-weight:400}
thead th{color:var(--soft);font-size:.85rem}
tbody th{font-weight:600}
.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.wide{min-width:16rem}
pre{white-space:pre-wrap;background:var(--page);border:1px solid var(--line);border-radius:8px;padding:.8rem;
font:.85rem/1.5 ui-monospace,monospace;margin:0 0 .8rem}
summary{cursor:pointer;font-weight:600;padding:.3rem 0}
ul{padding-left:1.2rem}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
@media (max-width:480px){section{padding:.9rem;border-radius:8px}main,header{padding:0 .6rem}h1{font-size:1.5rem}}
@media print{section{break-inside:avoid}}
"""

SCRIPT = """
for(const box of document.querySelectorAll('.over-time')){
  const frames=box.querySelectorAll('figure'),slider=box.querySelector('input'),shown=box.querySelector('output');
  const show=()=>{
    frames.forEach((frame,i)=>{frame.hidden=i!==slider.valueAsNumber});
    slider.ariaValueText=shown.value=frames[slider.valueAsNumber].dataset.what;
  };
  slider.addEventListener('input',show);
  slider.value=frames.length-1;
  show();
  box.querySelector('.slider').hidden=false;
}
"""
