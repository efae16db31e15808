"""The pages."""

from django.urls import path
from orders import views

urlpatterns = [
    path("", views.buy, name="buy"),
    path("orders/<int:number>", views.order, name="order"),
]
