"""Buying something, and seeing how it stands."""

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.csrf import csrf_exempt

from orders.models import Order
from orders.tasks import ship

FORM = '<!doctype html><title>Shop</title><form method="post"><input name="item" value="tea"><button>Buy</button></form>'


@csrf_exempt
def buy(request: HttpRequest) -> HttpResponse:
    """The order and the task that ships it are one commit."""
    if request.method != "POST":
        return HttpResponse(FORM)
    with transaction.atomic():
        order = Order.objects.create(item=request.POST.get("item", "tea"))
        order.result_id = ship.enqueue(order.pk).id
        order.save()
    return redirect("order", number=order.pk)


def order(request: HttpRequest, number: int) -> JsonResponse:
    """The order, and what its task has come to."""
    found = get_object_or_404(Order, pk=number)
    result = ship.get_result(found.result_id)
    answer = {"item": found.item, "shipped": found.shipped, "status": result.status}
    if result.is_finished:
        answer["errors"] = [error.traceback for error in result.errors]
    return JsonResponse(answer)
