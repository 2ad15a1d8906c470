"""Where each page of the portal is. An event is named by schedule, number and benefit record."""

from django.urls import URLPattern, URLResolver, path

from openbenefits.portal import (
    confirming,
    enrolling,
    family,
    home,
    inquiries,
    leaves,
    letters,
    life,
    offers,
    papers,
    pays,
    profile,
    providers,
    receivers,
    reviewing,
)

EVENT = "events/<int:schedule>-<int:number>-<int:record>/"

app_name = "portal"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.home, name="home"),
    path(EVENT, enrolling.overview, name="event"),
    path(f"{EVENT}keep/", reviewing.keep, name="keep"),
    path(f"{EVENT}review/", reviewing.review, name="review"),
    path(f"{EVENT}discard/", reviewing.discard, name="discard"),
    path(f"{EVENT}cover/", enrolling.cover_newcomers, name="cover"),
    path(f"{EVENT}statement.pdf", confirming.statement, name="statement"),
    path(f"{EVENT}papers/", papers.of_event, name="event_papers"),
    path(f"{EVENT}plans/<str:plan_type>/", enrolling.plan, name="plan"),
    path(f"{EVENT}plans/<str:plan_type>/compare/", enrolling.compare, name="compare"),
    path("confirmations/<int:act>/", confirming.confirmation, name="confirmation"),
    path("confirmations/<int:act>.pdf", confirming.confirmation_pdf, name="confirmation_pdf"),
    path("life/", life.kinds, name="life"),
    path("life/<str:code>/", life.report_one, name="report"),
    path("family/", family.people, name="family"),
    path("family/add/", family.add, name="family_add"),
    path("family/<int:number>/", family.change, name="family_change"),
    path("family/receivers/<int:record>-<str:plan_type>/", receivers.receivers, name="receivers"),
    path("family/providers/", providers.providers, name="providers"),
    path("papers/", papers.papers, name="papers"),
    path("papers/<int:document>/", papers.open_paper, name="paper"),
    path("letters/", letters.letters, name="letters"),
    path("letters/<int:letter>.pdf", letters.open_letter, name="letter"),
    path("leaves/<int:record>-<str:first_day>/", leaves.leave, name="leave"),
    path("pay/", pays.pays, name="pays"),
    path("questions/", inquiries.inquiries, name="inquiries"),
    path("questions/<int:number>/", inquiries.inquiry, name="inquiry"),
    path("history/", home.history, name="history"),
    path("history.csv", home.history_file, name="history_file"),
    path("profile/", profile.profile, name="profile"),
    path("offers/", offers.listed, name="offers"),
    path("offers/<int:batch>/", offers.offer, name="offer"),
    path("offers/<int:batch>/choose/", offers.choose, name="offer_choose"),
    path("offers/<int:batch>/sign/", offers.sign, name="offer_sign"),
    path("offers/<int:batch>.pdf", offers.document, name="offer_document"),
    path("offers/<int:batch>.xlsx", offers.workbook, name="offer_workbook"),
]
