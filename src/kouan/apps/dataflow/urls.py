"""Addresses of this app, by who they are for."""

from __future__ import annotations

from django.urls import path, re_path

from kouan.apps.dataflow.views import contracts, drafts, erasures, flows, mine

app_name = "dataflow"
urlpatterns = [
    path("data-contracts/", contracts.listed, name="contracts"),
    path("data-contracts/new", drafts.begin, name="draft-begin"),
    path("data-contracts/draft/check", drafts.check, name="draft-check"),
    path("data-contracts/draft/<slug:name>", drafts.step, name="draft-step"),
    path("data-contracts/erasures/", erasures.listed, name="erasures"),
    path("data-contracts/erasures/<uuid:key>/", erasures.answer, name="erasure-answer"),
    path("data-contracts/<slug:key>/", contracts.contract, name="contract"),
    path("data-contracts/<slug:key>/change", drafts.change, name="draft-change"),
    path("data-contracts/<slug:key>/sign", contracts.sign, name="sign"),
    path("data-contracts/<slug:key>/refuse", contracts.refuse, name="refuse"),
    path("data-contracts/<slug:key>/end", contracts.end, name="end"),
    path("data-contracts/<slug:key>/file", contracts.file, name="file"),
    path("data-contracts/<slug:key>/erase", contracts.erase, name="erase"),
    path("data-contracts/<slug:key>/ask", contracts.ask, name="ask"),
    path("data-contracts/<slug:key>/pack", contracts.filing_pack, name="pack"),
    path("data-contracts/<slug:key>/pack.zip", contracts.pack_file, name="pack-file"),
    path("data-contracts/<slug:key>/contract.jsonld", contracts.policy, name="contract-policy"),
    path("data-contracts/<slug:key>/contract.pdf", contracts.pdf, name="pdf"),
    path("my-data/", mine.overview, name="mine"),
    path("my-data/requests/<uuid:key>", mine.request_, name="request"),
    path("my-data/consents/<uuid:key>/", mine.consent, name="consent"),
    path("my-data/consents/<uuid:key>/receipt", mine.receipt, name="receipt"),
    path("my-data/consents/<uuid:key>/receipt.json", mine.receipt_json, name="receipt-json"),
    path("my-data/consents/<uuid:key>/withdraw", mine.withdraw, name="withdraw"),
    path("my-data/consents/<uuid:key>/erase", mine.ask_erasure, name="ask-erasure"),
    path("my-data/consents/<uuid:key>/policy.jsonld", mine.policy, name="policy"),
    path("my-data/readers/", mine.readers, name="readers"),
    path("my-data/export.json", mine.export_json, name="export-json"),
    path("my-data/export.zip", mine.export_zip, name="export-zip"),
    path("my-data/erasure", mine.erasure, name="erasure"),
    path("my-data/erasure/<uuid:key>/receipt", mine.erasure_receipt, name="erasure-receipt"),
    path("my-data/erasure/<uuid:key>/receipt.json", mine.erasure_receipt_json, name="erasure-receipt-json"),
    path("data-flows/", flows.register, name="flows"),
    re_path(r"^data-flows/register\.(?P<form>csv|json)$", flows.register_file, name="register-file"),
    re_path(r"^data-flows/denied\.(?P<form>csv|json)$", flows.denied_file, name="denied-file"),
    path("data-flows/denied/", flows.denied, name="denied"),
    path("data-flows/decisions/<int:number>/", flows.decision, name="decision"),
    path("data-flows/sample/", flows.sample, name="sample"),
]
